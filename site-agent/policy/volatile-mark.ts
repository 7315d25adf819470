import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'

const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined)

/**
 * Ties a data directory to its `volatile/` by a random id in both, written on first use. A directory that came back from a backup
 * without it has forgotten what it dealt, answered and saw (R4): throws `VOLATILE_LOST`, for good.
 */
export const requireVolatile = (dataDir: string): void => {
  const [inside, expected] = [join(dataDir, 'volatile', 'id'), join(dataDir, 'volatile.expected')]
  const wanted = read(expected)
  if (wanted !== undefined) {
    if (wanted !== '' && read(inside) === wanted) return
    throw new CodedError('VOLATILE_LOST', 'volatile/ is missing, or is not the one this data directory was used with')
  }
  // Inside first: after a crash in between, the same id is taken up again.
  const id = read(inside) || randomUUID()
  writePrivateFile(inside, `${id}\n`)
  writePrivateFile(expected, `${id}\n`)
}

/** The `volatile/` that is here came back from a backup as well: `requireVolatile` throws from now on, for good. */
export const giveUpVolatile = (dataDir: string): void => {
  writePrivateFile(join(dataDir, 'volatile.expected'), `${randomUUID()}\n`)
}
