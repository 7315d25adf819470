import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { fingerprintDigest } from '@tributary/shared/wire/signed'
import { type Attested, openAttestation } from './attestation.ts'
import { type Checksums, parseChecksums } from './checksums.ts'
import { CsvMarks } from './csv-marks.ts'
import { fileNames } from './file-names.ts'
import { marksProblem } from './release-marks.ts'
import { type ReleaseManifest, releaseSchema } from './release-schema.ts'
import { type FileState, ReleaseAltered, type Verification } from './verification.ts'

export { isReleaseFileName } from './checksums.ts'
export type { FileState, Verification } from './verification.ts'
export { ReleaseAltered } from './verification.ts'

const { checksums: sumsName, attestation: attestationName, release: releaseName } = fileNames
const unsigned: readonly string[] = [sumsName, attestationName]

/**
 * Checks a release folder without any network: every file against its signed checksum, nothing missing, nothing added, every
 * mark in place, the signature by `trusted` (a fingerprint: 32 or 64 hex digits, blanks and colons ignored). Without `trusted`
 * the result says that the key was not compared. Throws `RELEASE_ALTERED` (`ReleaseAltered`) naming every file concerned,
 * `NOT_FOUND` where no release is, `ARGUMENT_INVALID`. O(bytes) time, flat memory.
 */
export const verifyRelease = async (folder: string, options: { readonly trusted?: string }): Promise<Verification> => {
  const trusted = options.trusted === undefined ? null : fingerprintOf(options.trusted)
  const present = await presentFiles(folder)
  const problems: string[] = []
  const attested = await attestationOf(folder, problems)
  const sums = await checksumsOf(folder, attested, problems)
  const signature = signatureState(attested, trusted, problems)
  const release = await releaseOf(folder, problems)
  const files: FileState[] = []
  const marks: string[] = []
  for (const name of [...new Set([...sums.keys(), ...unsigned, ...present.keys()])].toSorted()) {
    const { state, why, isMarked } = await examine(folder, name, present.get(name), sums, release)
    const isNamed = problems.some((problem) => problem.startsWith(`${name}: `))
    if (why !== null) problems.push(`${name}: ${why}`)
    if (isMarked) marks.push(name)
    files.push({ name, state: state === 'ok' && isNamed ? 'changed' : state })
  }
  for (const name of requiredFiles(release))
    if (!sums.has(name)) problems.push(`${name}: missing, and not among the checksums`)
  const verification: Verification = {
    ok: problems.length === 0,
    synthetic: true,
    release: release?.release ?? '',
    signature,
    signer: attested?.signer ?? null,
    files,
    marks,
    problems,
    next: signature === 'not compared' ? advice(attested?.signer ?? '') : null,
  }
  if (problems.length > 0) throw new ReleaseAltered(verification)
  return verification
}

const advice = (signer: string): string =>
  `the signature is sound, but anyone could have made one: compare the fingerprint ${signer} with the one that the consortium gave you by another way, then verify again with it`

const fingerprintOf = (text: string): string => {
  const digits = text.replaceAll(/[\s:]/g, '').toLowerCase()
  if (!/^([0-9a-f]{32}|[0-9a-f]{64})$/.test(digits))
    throw new CodedError('ARGUMENT_INVALID', 'a fingerprint has 32 hex digits', { place: { field: 'trusted' } })
  return digits
}

type Kind = 'file' | 'folder' | 'other'

/** Everything below the folder, by name; folders that hold something are left out: what is in them is named. */
const presentFiles = async (folder: string): Promise<ReadonlyMap<string, Kind>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new CodedError('NOT_FOUND', 'there is no such folder', { place: { file: folder }, cause })
  })
  const present = new Map<string, Kind>()
  for (const entry of entries) {
    const name = relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')
    present.set(name, entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other')
  }
  for (const name of present.keys()) {
    const parent = name.split('/').slice(0, -1).join('/')
    if (present.get(parent) === 'folder') present.delete(parent)
  }
  if (![...unsigned, releaseName].some((name) => present.has(name)))
    throw new CodedError('NOT_FOUND', 'this folder holds no release', { place: { file: folder } })
  return present
}

const readText = async (folder: string, name: string): Promise<string | null> =>
  readFile(join(folder, name)).then(
    // latin1: one character a byte, so that texts are equal exactly when the bytes are.
    (bytes) => bytes.toString('latin1'),
    () => null,
  )

const attestationOf = async (folder: string, problems: string[]): Promise<Attested | null> => {
  const text = await readText(folder, attestationName)
  if (text === null) return null // named as missing with the other files
  try {
    return openAttestation(text)
  } catch (thrown) {
    problems.push(`${attestationName}: ${thrown instanceof CodedError ? thrown.message : 'unreadable'}`)
    return null
  }
}

/** The signed checksums, if there are any: the file beside them must be the same. Else those of the file, if it is one. */
const checksumsOf = async (folder: string, attested: Attested | null, problems: string[]): Promise<Checksums> => {
  const text = await readText(folder, sumsName)
  const signed = attested?.payload.toString('latin1')
  if (text !== null && signed !== undefined && text !== signed)
    problems.push(`${sumsName}: not the checksums that were signed`)
  try {
    return parseChecksums(signed ?? text ?? '')
  } catch {
    problems.push(`${signed === undefined ? sumsName : attestationName}: not a list of checksums`)
    return new Map()
  }
}

const signatureState = (
  attested: Attested | null,
  trusted: string | null,
  problems: string[],
): Verification['signature'] => {
  if (attested === null) return 'unsound'
  if (trusted === null) return 'not compared'
  if (fingerprintDigest(attested.publicKey).startsWith(trusted)) return 'trusted'
  problems.push(`${attestationName}: signed by another key, ${attested.signer}, than the trusted one`)
  return 'other key'
}

const releaseOf = async (folder: string, problems: string[]): Promise<ReleaseManifest | null> => {
  const bytes = await readFile(join(folder, releaseName)).catch(() => null)
  if (bytes === null) return null
  try {
    return releaseSchema.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    problems.push(`${releaseName}: does not describe a release`)
    return null
  }
}

/** What a release consists of at least; without these a signed list is no release. */
const requiredFiles = (release: ReleaseManifest | null): string[] => [
  fileNames.release,
  fileNames.privacy,
  fileNames.report,
  fileNames.reportPage,
  ...(release?.data.files ?? []),
  ...(release?.data.files.includes(fileNames.csv) === true ? [fileNames.csvMetadata] : []),
]

interface Finding {
  readonly state: FileState['state']
  readonly why: string | null
  readonly isMarked: boolean
}

const examine = async (
  folder: string,
  name: string,
  kind: Kind | undefined,
  sums: Checksums,
  release: ReleaseManifest | null,
): Promise<Finding> => {
  const found = (state: FileState['state'], why: string | null, isMarked = false) => ({ state, why, isMarked })
  if (kind === undefined) return found('missing', 'missing')
  if (kind !== 'file')
    return sums.has(name) ? found('changed', 'not a plain file') : found('unlisted', 'not of this release')
  if (unsigned.includes(name)) return found('ok', null)
  const expected = sums.get(name)
  if (expected === undefined) return found('unlisted', 'not of this release')
  const path = join(folder, name)
  const csv = name === fileNames.csv && release !== null ? new CsvMarks(release.release) : null
  if ((await sha256Of(path, (chunk) => csv?.push(chunk))) !== expected)
    return found('changed', 'changed since it was signed')
  if (release === null) return found('ok', null)
  const problem = csv === null ? await marksProblem(folder, name, release) : csv.problem(release.data.rows)
  return found('ok', problem ?? null, problem === null)
}

const sha256Of = async (path: string, also: (chunk: Uint8Array) => void): Promise<string | null> => {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      also(chunk)
    }
  } catch {
    return null
  }
  return hash.digest('hex')
}
