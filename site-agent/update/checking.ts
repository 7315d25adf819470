import { asCodedError, CodedError } from '@tributary/shared/errors'
import { checkValue } from '@tributary/shared/he/share-check'
import { epochOf, firstEpochNeeded } from '@tributary/shared/study/epoch'
import type { Body } from '@tributary/shared/wire/body'
import type { Task } from '@tributary/shared/wire/federation-api'
import { isHolder } from '../policy/approved-study.ts'
import { refuseOtherBox } from '../policy/opened-deal.ts'
import type { AttemptDeals } from './attempt-deals.ts'
import type { ReceivedDeal } from './received-deals.ts'
import { removedSites } from './removed-sites.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import type { StudyAttempts } from './study-attempts.ts'

/** Says, before anybody contributes, what is in this holder's box of every deal (R24): a masked check value, nothing of the share. */
export class Checking {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #deals: AttemptDeals

  constructor(parts: RoundWorkerParts, attempts: StudyAttempts, deals: AttemptDeals) {
    this.#parts = parts
    this.#attempts = attempts
    this.#deals = deals
  }

  /**
   * Throws `ROUND_REFUSED` where this site holds no shares or the epoch is over, `BOX_INVALID` where the coordinator handed over
   * another box than was dealt, or this site's box keys are missing or not those that it brought: none of it is a dealer's fault.
   */
  async perform(task: Extract<Task, { kind: 'check' }>): Promise<void> {
    const { approved } = this.#attempts
    const fields = this.#attempts.fieldsOf(task)
    if (!isHolder(approved)) throw new CodedError('ROUND_REFUSED', 'this site holds no shares')
    const { boxKeys } = this.#parts
    boxKeys.refuseErased(fields.study, epochOf(fields.step))
    boxKeys.eraseBefore(fields.study, firstEpochNeeded(fields.step))
    // Who deals no more hears of a removal here, before a set with the removed site is announced (R1).
    await removedSites(this.#parts, approved)
    // Asked again, it may have been handed too little the last time.
    const { deals, spoilt } = await this.#deals.of(fields, () => false)
    for (const { opened, box } of deals) refuseOtherBox(opened, box, approved.me)
    // Nobody's fault but its own: saying of every deal that it does not open would dispute them all.
    if (deals.some(({ opened, share }) => opened.dealer === approved.me && share === null))
      throw new CodedError(
        'BOX_INVALID',
        'this site cannot open what it dealt to itself: other box keys than it brought',
      )
    const read: Body<'check'>['checks'][number][] = []
    for (const deal of deals) {
      read.push({ site: deal.opened.dealer, deal: deal.opened.deal, value: this.#value(fields.round, deal) })
      // Other studies, and the link, go on in between.
      await this.#parts.clock.sleep(0)
    }
    const refused = spoilt.map(({ dealer, deal }) => ({ site: dealer, deal, value: null }))
    const checks = [...read, ...refused].sort((a, b) => (a.site < b.site ? -1 : 1))
    this.#attempts.refuseUnapproved()
    const message = this.#attempts.sign('check', { ...fields, checks })
    await this.#parts.client.check(message, this.#attempts.refuseUnapproved)
    this.#parts.log.debug({ round: fields.round, deals: checks.length }, 'checked')
  }

  /** Null where the box does not open, or holds no share of this ring. */
  #value(round: ReceivedDeal['opened']['body']['round'], { opened, share }: ReceivedDeal): Uint8Array | null {
    if (share === null) return null
    try {
      return checkValue(this.#parts.ring, { round, deal: opened.deal }, share)
    } catch (thrown) {
      const { code } = asCodedError(thrown)
      if (code !== 'FRAME_INVALID') throw thrown
      this.#parts.log.warn({ round, dealer: opened.dealer, code }, 'a box holds no share')
      return null
    }
  }
}
