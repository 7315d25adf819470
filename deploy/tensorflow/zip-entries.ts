import { Buffer } from 'node:buffer'
import { crc32, inflateRawSync } from 'node:zlib'

const centralEntry = 0x02014b50
const endOfDirectory = 0x06054b50
const deflated = 8

/**
 * The files of a zip archive (a wheel is one) that `wanted` accepts, one after the other, so that only one is in memory. Throws
 * `RangeError` on an archive that is cut, damaged or of 4 GB and more (zip64).
 */
export function* zipEntries(
  archive: Buffer,
  wanted: (path: string) => boolean,
): Generator<{ readonly path: string; readonly bytes: Uint8Array }> {
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end < 0 || archive.readUInt32LE(end) !== endOfDirectory) throw new RangeError('not a zip archive')
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let entry = 0; entry < count; entry++) {
    if (archive.readUInt32LE(at) !== centralEntry) throw new RangeError('the directory of the archive is damaged')
    const method = archive.readUInt16LE(at + 10)
    const checksum = archive.readUInt32LE(at + 16)
    const packed = archive.readUInt32LE(at + 20)
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => archive.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ]
    const header = archive.readUInt32LE(at + 42)
    const path = archive.toString('utf8', at + 46, at + 46 + nameLength)
    at += 46 + nameLength + extraLength + commentLength
    if (path.endsWith('/') || !wanted(path)) continue
    const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28)
    const content = archive.subarray(start, start + packed)
    const bytes = method === deflated ? inflateRawSync(content) : content
    if (crc32(bytes) !== checksum) throw new RangeError(`${path} is damaged in the archive`)
    yield { path, bytes }
  }
}
