import { createReadStream } from 'node:fs'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { isGzip, readFileStart, startLength, unzippedStart } from './file-start.ts'
import { refuseMarked } from './synthetic-mark.ts'
import { tableInvalid } from './table-error.ts'

/** The start of a table file: whether it is gzip, and its first line's fields. */
export interface FileHead {
  readonly isGzip: boolean
  /** Trimmed of a byte order mark; empty fields are empty texts. */
  readonly fields: readonly string[]
}

/**
 * Looks at a file before DuckDB does: DuckDB reads UTF-16 as rubbish, a gzip file cut short as a shorter table and a path with
 * wildcards as many files. Throws `SOURCE_MISSING`, `CONFIG_INVALID` for such a path, `SYNTHETIC_SOURCE_REFUSED`,
 * `TABLE_INVALID`. A gzip file is read once in full to see its checksum; memory stays at a few megabytes.
 */
export const readFileHead = async (path: string, delimiter: string): Promise<FileHead> => {
  await refuseMarked(path)
  const bytes = readFileStart(path)
  if (bytes.length === 0) throw tableInvalid(path, 'empty')
  const isZipped = isGzip(bytes)
  if (isZipped) await checkGzip(path)
  const text = isZipped ? unzippedStart(path, bytes) : bytes
  if (text.length === 0) throw tableInvalid(path, 'empty')
  return { isGzip: isZipped, fields: firstLine(decoded(path, text), delimiter, path) }
}

const checkGzip = async (path: string): Promise<void> => {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: startLength }),
      createGunzip({ chunkSize: startLength }),
      nowhere,
    )
  } catch {
    throw tableInvalid(path, 'gzip')
  }
}

const decoded = (path: string, bytes: Uint8Array): string => {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) throw tableInvalid(path, 'utf16')
  const start = bytes.subarray(0, 4096)
  const zeros = start.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0)
  if (zeros > start.length / 8) throw tableInvalid(path, 'utf16')
  if (zeros > 0) throw tableInvalid(path, 'binary')
  // Not fatal: a bad byte on a later line is found by line and column when the table is read.
  return new TextDecoder('utf-8').decode(bytes)
}

/** The fields of the first record after RFC 4180: quoted fields may hold delimiters, line ends and doubled quotes. */
const firstLine = (text: string, delimiter: string, path: string): readonly string[] => {
  const fields: string[] = []
  let field = ''
  let isQuoted = false
  let wasQuoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (isQuoted) {
      if (char !== '"') field += char
      else if (text[i + 1] === '"') field += text[++i]
      else isQuoted = false
    } else if (char === '"' && field === '' && !wasQuoted) {
      isQuoted = true
      wasQuoted = true
    } else if (char === delimiter) {
      fields.push(field)
      field = ''
      wasQuoted = false
    } else if (char === '\n' || char === '\r') {
      return [...fields, field]
    } else {
      field += char
    }
  }
  if (isQuoted || text.length >= startLength) throw tableInvalid(path, 'header', { line: 1 })
  return [...fields, field]
}
