import type { RoundId } from '@tributary/shared/ids'
import type { Restored } from '../ledger/ledger.ts'
import type { AttemptFields } from '../policy/round-guard.ts'
import { forgottenContributions } from './forgotten-contributions.ts'
import { HeldDeals } from './held-deals.ts'
import { type ReceivedDeal, type ReceivedDeals, receiveDeals } from './received-deals.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import type { StudyAttempts } from './study-attempts.ts'

/** The deals of an attempt, fetched once while they are whole, and what this site's own signature in them says (R4). */
export class AttemptDeals {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #held = new HeldDeals()

  constructor(parts: RoundWorkerParts, attempts: StudyAttempts) {
    this.#parts = parts
    this.#attempts = attempts
  }

  /**
   * Throws what `receiveDeals` throws, and `LEDGER_RESTORED` for good where a dealer shows that this site forgot what it contributed.
   * `isEnough`: fetched again where what is held is not.
   */
  async of(fields: AttemptFields, isEnough: (held: ReceivedDeals) => boolean = () => true): Promise<ReceivedDeals> {
    const { round, step, attempt } = fields
    const known = this.#held.get(round)
    if (known !== undefined && isEnough(known)) return known
    const { approved } = this.#attempts
    const received = receiveDeals(await this.#parts.client.boxes(round), this.#parts, approved, fields)
    const peers = received.deals.map(({ opened }) => opened).filter(({ dealer }) => dealer !== approved.me)
    const forgotten = forgottenContributions(peers, this.#parts)
    if (forgotten.length > 0) await this.#stopRestored(fields, forgotten)
    this.#held.put(round, { step, attempt, ...received })
    return received
  }

  /** The boxes of a round as they came, to settle a dispute; fetched again after a restart. */
  async boxes(fields: AttemptFields): Promise<readonly ReceivedDeal[]> {
    const held = this.#held.boxes(fields.round)
    return held.length > 0 ? held : (await this.of(fields)).deals
  }

  eraseShares(round: RoundId): void {
    this.#held.eraseShares(round)
  }

  eraseWhere(isOver: (held: { readonly step: number; readonly attempt: number }) => boolean): void {
    this.#held.eraseWhere(isOver)
  }

  /** Written down first: no process of this site charges anything from then on. */
  async #stopRestored(fields: AttemptFields, restored: readonly Restored[]): Promise<void> {
    const { ledger, log } = this.#parts
    for (const each of restored) ledger.noteRestored(each)
    log.error({ restored, code: 'LEDGER_RESTORED' }, 'this site came back from a backup, or a copy of it is at work')
    const isOpen = this.#attempts.isOpen(fields.round)
    await this.#attempts.end(fields.round)
    if (isOpen) await this.#attempts.withdraw(fields, 'this site came back from a backup')
    ledger.refuseRestored()
  }
}
