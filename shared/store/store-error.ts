import { basename } from 'node:path'
import { CodedError, type ErrorCode } from '../errors.ts'

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) and what they mean to a person. */
const bySqlite: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  5: ['STORE_LOCKED', 'another process holds the lock'],
  6: ['STORE_LOCKED', 'another process holds the lock'],
  8: ['CONFIG_INVALID', 'the file cannot be written'],
  10: ['STATE_CORRUPT', 'the disk reported an error'],
  11: ['STATE_CORRUPT', 'the file is damaged'],
  13: ['DISK_FULL', 'no space left'],
  14: ['CONFIG_INVALID', 'the file cannot be opened'],
  19: ['STATE_CORRUPT', 'the change breaks a rule of the file'],
  26: ['STATE_CORRUPT', 'the file is not a database'],
}

const bySystem: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['DISK_FULL', 'no space left'],
  EDQUOT: ['DISK_FULL', 'the disk quota is used up'],
  EACCES: ['CONFIG_INVALID', 'no permission'],
  EPERM: ['CONFIG_INVALID', 'no permission'],
  EROFS: ['CONFIG_INVALID', 'the disk is read-only'],
  ENOTDIR: ['CONFIG_INVALID', 'a part of the path is not a folder'],
  EISDIR: ['CONFIG_INVALID', 'a folder where a file should be'],
  EIO: ['STATE_CORRUPT', 'the disk reported an error'],
}

/** What SQLite or the file system threw, as a CodedError that names the file; CodedErrors pass through. */
export const storeError = (path: string, thrown: unknown): CodedError => {
  if (thrown instanceof CodedError) return thrown
  const { errcode, code } = thrown as { errcode?: unknown; code?: unknown }
  const known =
    typeof errcode === 'number' ? bySqlite[errcode & 0xff] : typeof code === 'string' ? bySystem[code] : undefined
  const place = { file: basename(path) }
  if (known === undefined) return new CodedError('INTERNAL', 'the store failed', { place, cause: thrown })
  return new CodedError(known[0], known[1], { place, cause: thrown })
}
