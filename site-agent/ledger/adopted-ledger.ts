import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { adoptHoldout, openHoldout } from '../records/holdout.ts'
import { acknowledgeIn, bookedPlans, pricedBy } from './acknowledge-command.ts'
import { reservedHeldOut } from './held-out-history.ts'
import type { Ledger } from './ledger.ts'
import { openLedgerIn } from './ledger-folder.ts'

export interface AdoptOptions {
  readonly dataDir: string
  /** The earlier data directory. */
  readonly from: string
  readonly acknowledgeRestored?: boolean
  readonly newHoldoutKey?: boolean
}

/**
 * Carries the ledger and the holdout key of this hospital's earlier data directory over. Returns what an officer should do next.
 * Throws `NOT_FOUND`, what `Ledger.adopt` throws, and, before anything is changed, `LEDGER_RESTORED` or `VOLATILE_LOST` where the
 * earlier directory came back from a backup and `acknowledgeRestored` is not said.
 */
export const adoptLedger = (ledger: Ledger, options: AdoptOptions, clock: Pick<Clock, 'now'>): string => {
  const { dataDir, from } = options
  const path = join(from, 'ledger.sqlite')
  if (!existsSync(path))
    throw new CodedError('NOT_FOUND', 'there is no ledger in this folder', { place: { file: path } })
  const earlier = openLedgerIn(from, clock)
  try {
    if (options.acknowledgeRestored === true) acknowledgeIn(from, earlier, pricedBy(bookedPlans(from)))
    else refuseUnacknowledged(earlier, from)
    // First: an adopted ledger of a study with an evaluation must find the key that parted its patients.
    adoptHoldout(dataDir, from)
    if (options.newHoldoutKey === true) openHoldout(dataDir, !reservedHeldOut(earlier))
    ledger.adopt(earlier)
  } finally {
    earlier.close()
  }
  return (
    'if that directory was an older copy, studies approved after it was made are missing: tell the consortium, and lower the ' +
    'cap by what they cost, or name them there (budget acknowledge-restored --study) before adopting'
  )
}

const refuseUnacknowledged = (earlier: Ledger, from: string): void => {
  try {
    earlier.refuseRestored()
  } catch (thrown) {
    const { code, message } = asCodedError(thrown)
    const next =
      `see what is missing with site-agent budget acknowledge-restored --data-dir ${from}, and charge it there with --yes ` +
      '(naming later studies with --study), or here with --acknowledge-restored'
    throw new CodedError(code, `${message}; ${next}`, { cause: thrown })
  }
}
