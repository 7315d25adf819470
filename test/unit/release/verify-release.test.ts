import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test as property } from '@fast-check/vitest'
import { fingerprint, fingerprintDigest, generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { beforeAll, describe, expect, it } from 'vitest'
import { attest } from '../../../coordinator/release/attestation.ts'
import { checksumsText } from '../../../coordinator/release/checksums.ts'
import { makeRelease } from '../../../coordinator/release/make-release.ts'
import { ReleaseAltered, verifyRelease } from '../../../coordinator/release/verify-release.ts'
import { tinyParts } from '../../harness/tiny-release.ts'

const scratch = mkdtempSync(join(tmpdir(), 'verify-'))
const parts = tinyParts({ order: { rows: 40, seed: 3 } })
const trusted = fingerprint(parts.signer.publicKey)
const original = join(scratch, 'original')
const files = [
  'README.txt',
  'SHA256SUMS',
  'attestation.dsse.json',
  'data/cohort.csv',
  'data/cohort.csv-metadata.json',
  'data/cohort.parquet',
  'privacy.json',
  'release.json',
  'report.html',
  'report.json',
] as const

beforeAll(async () => {
  await makeRelease(original, parts)
  return () => rmSync(scratch, { recursive: true })
})

let copies = 0
const copy = (): string => {
  const folder = join(scratch, `copy-${copies++}`)
  cpSync(original, folder, { recursive: true })
  return folder
}
const edit = (folder: string, name: string, change: (bytes: Buffer) => Uint8Array | string): void =>
  writeFileSync(join(folder, name), change(readFileSync(join(folder, name))))

/** New checksums of what is there now, and a signature over them. */
const sign = (folder: string, signer: IdentityKey): void => {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => name !== 'SHA256SUMS' && name !== 'attestation.dsse.json')
  const sums = checksumsText(new Map(names.map((name) => [name, hashBytes(readFileSync(join(folder, name)))])))
  writeFileSync(join(folder, 'SHA256SUMS'), sums)
  writeFileSync(join(folder, 'attestation.dsse.json'), attest(Buffer.from(sums), signer))
}

const alteration = async (folder: string, options: { trusted?: string } = { trusted }): Promise<ReleaseAltered> => {
  const error = await verifyRelease(folder, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ReleaseAltered)
  expect(error).toMatchObject({ code: 'RELEASE_ALTERED', verification: { ok: false } })
  return error as ReleaseAltered
}
const namedIn = ({ verification }: ReleaseAltered): string[] =>
  verification.problems.map((text) => text.split(': ')[0]!)

describe('a release as it was signed', () => {
  it('is in order for whoever knows the key, in any spelling of its fingerprint', async () => {
    const digest = fingerprintDigest(parts.signer.publicKey)
    for (const spelled of [trusted, trusted.toUpperCase(), digest, digest.slice(0, 32), trusted.replaceAll(' ', ':')])
      expect(await verifyRelease(original, { trusted: spelled })).toEqual({
        ok: true,
        synthetic: true,
        release: 'rel-8KQ2',
        signature: 'trusted',
        signer: trusted,
        files: files.map((name) => ({ name, state: 'ok' })),
        marks: files.filter((name) => !['README.txt', 'SHA256SUMS', 'attestation.dsse.json'].includes(name)),
        problems: [],
        next: null,
      })
  })

  it('without a fingerprint is sound, but says what is still to be done', async () => {
    const { ok, signature, next } = await verifyRelease(original, {})
    expect({ ok, signature }).toEqual({ ok: true, signature: 'not compared' })
    expect(next).toContain(trusted)
    expect(next).toMatch(/compare the fingerprint/)
  })

  it('a fingerprint that is none, and a folder without a release', async () => {
    await expect(verifyRelease(original, { trusted: 'abcd' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(verifyRelease(join(scratch, 'none'), {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(verifyRelease(join(original, 'data'), {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

type Damage =
  | { kind: 'flip' | 'truncate' | 'insert'; file: string; at: number; bit: number }
  | { kind: 'delete' | 'empty' | 'link' | 'twin'; file: string }
  | { kind: 'swap'; file: string; other: string }
  | { kind: 'add'; name: string }

const file = fc.constantFrom(...files)
const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const damages: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), file, at, bit: fc.nat(7) }) },
  fc.record({ kind: fc.constantFrom('truncate' as const, 'insert' as const), file, at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'empty' as const, 'link' as const, 'twin' as const), file }),
  fc
    .tuple(file, file)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => ({ kind: 'swap' as const, file: a, other: b })),
  fc
    .constantFrom('x', '.hidden', 'data/x.csv', 'new/deep/x', 'empty/', 'data/empty/')
    .map((name) => ({ kind: 'add' as const, name })),
)

/** Damages a copy; returns the files of which at least one must be named. */
const inflict = (folder: string, damage: Damage): string[] => {
  switch (damage.kind) {
    case 'flip':
    case 'truncate':
    case 'insert':
      edit(folder, damage.file, (bytes) => {
        const place = Math.floor(damage.at * bytes.length)
        if (damage.kind === 'truncate') return bytes.subarray(0, place)
        if (damage.kind === 'insert')
          return Buffer.concat([bytes.subarray(0, place), Buffer.of(10 + damage.bit), bytes.subarray(place)])
        bytes[place]! ^= 1 << damage.bit
        return bytes
      })
      return [damage.file]
    case 'delete':
      rmSync(join(folder, damage.file))
      return [damage.file]
    case 'empty':
      writeFileSync(join(folder, damage.file), '')
      return [damage.file]
    case 'link':
      rmSync(join(folder, damage.file))
      symlinkSync(join(original, damage.file), join(folder, damage.file))
      return [damage.file]
    case 'twin':
      cpSync(join(folder, damage.file), join(folder, `${damage.file}.bak`))
      return [`${damage.file}.bak`]
    case 'swap':
      renameSync(join(folder, damage.file), join(folder, 'aside'))
      renameSync(join(folder, damage.other), join(folder, damage.file))
      renameSync(join(folder, 'aside'), join(folder, damage.other))
      return [damage.file, damage.other]
    case 'add': {
      const path = join(folder, damage.name)
      if (damage.name.endsWith('/')) mkdirSync(path)
      else {
        mkdirSync(join(path, '..'), { recursive: true })
        writeFileSync(path, '')
      }
      return [damage.name.replace(/\/$/, '')]
    }
  }
}

describe('every change of any file is found and named', () => {
  property.prop([damages], { numRuns: 40 })('a bit, a cut, a file gone, swapped, linked or added', async (damage) => {
    const folder = copy()
    try {
      const expected = inflict(folder, damage)
      const named = namedIn(await alteration(folder))
      for (const name of expected) expect(named).toContain(name)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('several at once are all named, with their states', async () => {
    const folder = copy()
    rmSync(join(folder, 'report.html'))
    edit(folder, 'data/cohort.csv', (bytes) => Buffer.concat([bytes, Buffer.from('1,2\n')]))
    writeFileSync(join(folder, 'data/notes.csv'), '')
    const error = await alteration(folder)
    const states = Object.fromEntries(error.verification.files.map(({ name, state }) => [name, state]))
    expect(states).toMatchObject({
      'report.html': 'missing',
      'data/cohort.csv': 'changed',
      'data/notes.csv': 'unlisted',
      'release.json': 'ok',
    })
    for (const name of ['report.html', 'data/cohort.csv', 'data/notes.csv']) expect(error.message).toContain(name)
    expect(error.verification.signature).toBe('trusted')
    // Without a fingerprint nothing less is found.
    expect(namedIn(await alteration(folder, {})).toSorted()).toEqual(namedIn(error).toSorted())
  })

  it('a forger who signs with another key is found by the fingerprint, and by nothing else', async () => {
    const folder = copy()
    const forger = generateIdentity()
    edit(folder, 'data/cohort.csv', (bytes) => bytes.toString().replace('female', 'male'))
    sign(folder, forger)
    const error = await alteration(folder)
    expect(error.verification.signature).toBe('other key')
    expect(namedIn(error)).toEqual(['attestation.dsse.json'])
    expect(error.message).toContain(fingerprint(forger.publicKey))
    expect(await verifyRelease(folder, {})).toMatchObject({
      signature: 'not compared',
      signer: fingerprint(forger.publicKey),
    })
  })

  it('checksums without a signature, and a signature without checksums', async () => {
    const unsigned = copy()
    rmSync(join(unsigned, 'attestation.dsse.json'))
    expect((await alteration(unsigned)).verification).toMatchObject({ signature: 'unsound', signer: null })
    const bare = copy()
    rmSync(join(bare, 'SHA256SUMS'))
    expect(namedIn(await alteration(bare))).toEqual(['SHA256SUMS'])
  })
})

describe('marks are looked for even under the right signature', () => {
  const json = (change: (value: Record<string, unknown>) => unknown) => (bytes: Buffer) =>
    JSON.stringify(change(JSON.parse(bytes.toString()) as Record<string, unknown>))
  it.each<[string, string, (bytes: Buffer) => Uint8Array | string, RegExp]>([
    ['a header without the column', 'data/cohort.csv', (bytes) => bytes.toString().replace(markColumn, 'x'), /header/],
    ['a row without its mark', 'data/cohort.csv', (bytes) => bytes.toString().replace(',rel-8KQ2\n', ',\n'), /1 rows/],
    ['a row too many', 'data/cohort.csv', (bytes) => `${bytes.toString()}x,rel-8KQ2\n`, /41 rows/],
    [
      'a sidecar that hides it',
      'data/cohort.csv-metadata.json',
      json((doc) => ({ ...doc, 'dc:type': 'Dataset' })),
      /synthetic/,
    ],
    [
      'another release in the report',
      'report.json',
      json((doc) => ({ ...doc, release: 'rel-other' })),
      /another release/,
    ],
    ['a privacy statement of nothing', 'privacy.json', () => '[', /JSON/],
    ['a page that hides it', 'report.html', () => '<p>real patients</p>', /synthetic/],
    ['a Parquet file of something else', 'data/cohort.parquet', () => 'PAR1', /Parquet/],
    [
      'a Parquet footer without its key',
      'data/cohort.parquet',
      (bytes) => Buffer.from(bytes.toString('latin1').replace('synthetic.release', 'synthetic_release'), 'latin1'),
      /synthetic\.release/,
    ],
    [
      'a release.json that is none',
      'release.json',
      json((doc) => ({ ...doc, synthetic: false })),
      /describe a release/,
    ],
  ])('%s', async (_what, name, change, why) => {
    const folder = copy()
    edit(folder, name, change)
    sign(folder, parts.signer)
    const error = await alteration(folder)
    expect(error.verification.signature).toBe('trusted')
    expect(error.message).toMatch(why)
    expect(namedIn(error)).toEqual([name])
    expect(error.verification.marks).not.toContain(name)
  })

  it('a release without its report is no release, whoever signed it', async () => {
    const folder = copy()
    rmSync(join(folder, 'report.html'))
    sign(folder, parts.signer)
    expect(namedIn(await alteration(folder))).toEqual(['report.html'])
  })
})
