import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest } from '@tributary/shared/ids'

/** SHA-256 of each file by its name inside the release folder, `/` between folders. */
export type Checksums = ReadonlyMap<string, Digest>

const nameForm = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/
/** Whether a name stays inside its folder on every system and needs no escape in a checksum file. */
export const isReleaseFileName = (name: string): boolean => name.length <= 200 && nameForm.test(name)

const lineForm = /^([0-9a-f]{64}) {2}(.+)$/

/** The text of SHA256SUMS, by name: what `sha256sum -c SHA256SUMS` reads. */
export const checksumsText = (checksums: Checksums): string =>
  [...checksums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sum]) => `${sum}  ${name}\n`)
    .join('')

/** Reads exactly what `checksumsText` writes. Throws `RELEASE_ALTERED`. */
export const parseChecksums = (text: string): Checksums => {
  const checksums = new Map<string, Digest>()
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sum, name] = lineForm.exec(line) ?? []
    if (sum === undefined || name === undefined || !isReleaseFileName(name)) return refuse()
    checksums.set(name, digest(sum))
  }
  return checksumsText(checksums) === text ? checksums : refuse()
}

const refuse = (): never => {
  throw new CodedError('RELEASE_ALTERED', 'not a list of checksums', { place: { file: 'SHA256SUMS' } })
}
