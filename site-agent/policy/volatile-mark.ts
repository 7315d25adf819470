import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import { placeOnce } from '../records/placed-once.ts'

const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined)

/**
 * The mark of the `volatile/` that a data directory was used with and that is not there, or null where it is. A random id in
 * both ties the two together, written by `init`, or on first use before there is a ledger. A directory that came back from a backup without
 * it has forgotten what it dealt, answered and saw, and its ledger what was charged since (R4): for good.
 */
export const lostVolatile = (dataDir: string): string | null => {
  const [inside, expected] = [join(dataDir, 'volatile', 'id'), join(dataDir, 'volatile.expected')]
  const wanted = read(expected)
  if (wanted === '') return giveUpVolatile(dataDir)
  if (wanted !== undefined) return read(inside) === wanted ? null : wanted
  const isUsed = existsSync(join(dataDir, 'ledger.sqlite')) && !existsSync(join(dataDir, 'volatile'))
  if (isUsed) return giveUpVolatile(dataDir)
  // Inside first: after a crash in between, or beside another process, the same id is taken up.
  if (!read(inside)) placeOnce(inside, `${randomUUID()}\n`)
  writePrivateFile(expected, `${read(inside)}\n`)
  return null
}

export const volatileLost = (): CodedError =>
  new CodedError(
    'VOLATILE_LOST',
    'volatile/ is missing, or is not the one this data directory was used with: what was approved and charged since that ' +
      'backup is not known here',
  )

/** Before anything is approved or dealt. Throws `VOLATILE_LOST`. */
export const requireVolatile = (dataDir: string): void => {
  if (lostVolatile(dataDir) !== null) throw volatileLost()
}

/** The `volatile/` that is here came back from a backup as well: `requireVolatile` throws from now on, for good. Returns the mark. */
export const giveUpVolatile = (dataDir: string): string => {
  const mark = randomUUID()
  writePrivateFile(join(dataDir, 'volatile.expected'), `${mark}\n`)
  return mark
}
