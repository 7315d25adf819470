import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import { syncFolder } from '@tributary/shared/store/durable-folder'

/**
 * Whole, durable, readable by its owner alone, and never in the place of another: the first of two processes wins. Throws
 * `STATE_CORRUPT` where it cannot be written.
 */
export const placeOnce = (path: string, contents: string | Uint8Array): void => {
  const partial = `${path}.${randomUUID()}`
  try {
    writePrivateFile(partial, contents)
    linkSync(partial, path)
  } catch (cause) {
    // Whoever won may have swept this one's copy away already.
    if (!existsSync(path)) throw new CodedError('STATE_CORRUPT', `${basename(path)} could not be written`, { cause })
  } finally {
    rmSync(partial, { force: true })
  }
  syncFolder(dirname(path))
}

/** Removes the copies that a kill in the middle of `placeOnce` left, of a file that is in its place. */
export const sweepCopies = (path: string): void => {
  const folder = dirname(path)
  const isCopy = (name: string): boolean => {
    const rest = name.startsWith(`${basename(path)}.`) ? name.slice(basename(path).length + 1) : ''
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.partial)?$/.test(rest)
  }
  const copies = readdirSync(folder).filter(isCopy)
  for (const name of copies) rmSync(join(folder, name), { force: true })
  if (copies.length > 0) syncFolder(folder)
}
