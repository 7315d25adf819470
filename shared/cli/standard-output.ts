import { fstatSync, writeSync } from 'node:fs'
import { CodedError } from '../errors.ts'
import { HintedError } from './hinted-error.ts'

/** A disk without room, or one that fails: to the reader of a file the same. */
const isDisk = (code: string): boolean => ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'].includes(code)

const failure = (code: string): CodedError => {
  const hint = 'What was printed is cut short: free disk space, then run the command again.'
  if (isDisk(code)) return new HintedError('DISK_FULL', `standard output cannot be written (${code})`, hint)
  return new CodedError('CONFIG_INVALID', `standard output cannot be written (${code})`)
}

/**
 * On a disk that is almost full the system takes the beginning of a text and calls it a success; Node's stream to a file asks no
 * further. This one writes the rest, and so learns why it cannot.
 */
const writeWhole = (stream: typeof process.stdout): void => {
  const { fd } = stream
  if (!fstatSync(fd).isFile()) return
  const write = (chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void => {
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
      done()
    } catch (thrown) {
      done(thrown instanceof Error ? thrown : new Error('cannot be written'))
    }
  }
  Object.assign(stream, { _write: write })
}

let isGuarded = false

/**
 * From here on a reader of stdout that goes away (EPIPE) ends no command and is no error: what was asked is still done. Any other
 * failure is told to `report`, once. A stderr that fails can be told to nobody.
 */
export const guardStandardOutput = (report: (error: CodedError) => void): void => {
  if (isGuarded) return
  isGuarded = true
  writeWhole(process.stdout)
  let isReported = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isReported) return
    isReported = true
    report(failure(error.code ?? error.name))
  })
  process.stderr.on('error', () => undefined)
}
