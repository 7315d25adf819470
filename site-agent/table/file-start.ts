import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { gunzipSync, constants as zlib } from 'node:zlib'
import { CodedError } from '@tributary/shared/errors'
import { tableInvalid } from './table-error.ts'

/** Enough for the first line of a table with thousands of columns. */
export const startLength = 1 << 20

/** The first bytes of a file. Throws `SOURCE_MISSING`, and `CONFIG_INVALID` for what can be no source. */
export const readFileStart = (path: string): Uint8Array => {
  refuseUnfitPath(path)
  const bytes = new Uint8Array(startLength)
  let handle: number
  try {
    handle = openSync(path, 'r')
  } catch {
    throw new CodedError('CONFIG_INVALID', 'no permission to read the file', { place: { file: basename(path) } })
  }
  try {
    return bytes.subarray(0, readSync(handle, bytes))
  } finally {
    closeSync(handle)
  }
}

const refuseUnfitPath = (path: string): void => {
  const place = { file: basename(path) }
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new CodedError('SOURCE_MISSING', 'no such file', { place })
  if (!stat.isFile()) throw new CodedError('CONFIG_INVALID', 'a source must be a file', { place })
  if (/[*?[\]{}]/.test(path)) {
    throw new CodedError('CONFIG_INVALID', 'a path with * ? [ ] { } reads as a pattern; rename the file', { place })
  }
}

export const isGzip = (start: Uint8Array): boolean => start[0] === 0x1f && start[1] === 0x8b

export const isParquet = (start: Uint8Array): boolean => Buffer.from(start.subarray(0, 4)).toString('latin1') === 'PAR1'

/** Z_SYNC_FLUSH: a prefix of a gzip file unzips to a prefix of the text. Throws `TABLE_INVALID`. */
export const unzippedStart = (path: string, start: Uint8Array): Uint8Array => {
  try {
    return gunzipSync(start.subarray(0, startLength >> 3), { finishFlush: zlib.Z_SYNC_FLUSH })
  } catch {
    throw tableInvalid(path, 'gzip')
  }
}
