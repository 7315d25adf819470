import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@tributary/shared/ports'
import { giveUpVolatile, lostVolatile } from '../policy/volatile-mark.ts'
import { Ledger } from './ledger.ts'

/** The ledger of a data directory, with what its `volatile/` tells: its anchor, or that it is gone or went back alone (R4). */
export const openLedgerIn = (dataDir: string, clock: Pick<Clock, 'now'>): Ledger => {
  const lost = lostVolatile(dataDir)
  const anchor = join(dataDir, 'volatile', 'anchor.sqlite')
  // Where `volatile/` is not the right one, what it holds may still know more; nothing is made there.
  const isRead = lost === null || existsSync(anchor)
  const giveUp = () => giveUpVolatile(dataDir)
  return Ledger.open(join(dataDir, 'ledger.sqlite'), clock, { ...(isRead && { anchor }), lost, giveUp })
}
