import { asCodedError, CodedError } from '@tributary/shared/errors'
import { derivedBoxKey } from '@tributary/shared/he/box'
import { epochOf } from '@tributary/shared/study/epoch'
import { openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Task } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { isHolder } from '../policy/approved-study.ts'
import { refuseOtherBox } from '../policy/opened-deal.ts'
import { refuseRound, sameAttempt } from '../policy/round-guard.ts'
import type { AttemptDeals } from './attempt-deals.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import { keyGone, type StudyAttempts } from './study-attempts.ts'

/**
 * A site's part in a dispute over one deal (R24). Only that deal is opened, its key is never used, and a holder shows nothing before
 * the dealer itself has opened the deal.
 */
export class Disputing {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #deals: AttemptDeals

  constructor(parts: RoundWorkerParts, attempts: StudyAttempts, deals: AttemptDeals) {
    this.#parts = parts
    this.#attempts = attempts
    this.#deals = deals
  }

  /**
   * Opens this site's own deal. That nothing was sealed under its key and nothing ever will be is durable before the keys of its
   * boxes leave. Throws `ROUND_REFUSED` where something was begun for the round, or the key is gone. Asked again, the same bytes.
   */
  async openDeal(task: Extract<Task, { kind: 'open-deal' }>): Promise<void> {
    const { outbox, client, log } = this.#parts
    const fields = this.#attempts.fieldsOf(task)
    const { round } = fields
    this.#attempts.refuseUnapproved()
    const message = outbox.opening(round) ?? (await this.#opening(fields))
    await client.openDeal(message, this.#attempts.refuseUnapproved)
    log.warn(
      { round, step: fields.step },
      'the deal of this site was disputed and is open; nothing was sealed under it',
    )
  }

  async #opening(fields: ReturnType<StudyAttempts['fieldsOf']>): Promise<SignedMessage> {
    const { outbox, sealing } = this.#parts
    const { round } = fields
    const dealt = this.#attempts.ownDeal(round)
    if (dealt === undefined || !this.#attempts.isOpen(round)) throw new CodedError('ROUND_REFUSED', keyGone)
    outbox.disclaim(round)
    const keys = await sealing.openDeal(round)
    await this.#attempts.end(round)
    const message = this.#attempts.sign('deal-opening', { ...fields, deal: dealt.deal, keys })
    outbox.storeOpening(round, message)
    return message
  }

  /**
   * Shows the key that this holder derives for its box of a deal that its dealer has opened. Throws `ROUND_REFUSED` or
   * `SIGNATURE_INVALID` where the dealer did not sign the opening of that very deal, `BOX_INVALID` where the box is not here as dealt.
   */
  async openBox({ opening }: Extract<Task, { kind: 'open-box' }>): Promise<void> {
    const { boxKeys, client, log } = this.#parts
    const { approved } = this.#attempts
    const dealer = approved.sites.find((site) => site === opening.signer)
    if (dealer === undefined) return refuseRound('an opening by a site that is not in the study', 'opening')
    if (!isHolder(approved)) return refuseRound('this site holds no shares', 'opening')
    const body = openBody('deal-opening', opening, memberOf(approved.roster, dealer))
    const fields = this.#attempts.fieldsOf(body)
    sameAttempt(body, fields)
    const { study, step, round } = fields
    const keys = boxKeys.privateKeys(study, epochOf(step))
    // By dealer too: who signs a copy of another's deal has its hash.
    const found = (await this.#deals.boxes(fields)).find(
      ({ opened }) => opened.dealer === dealer && opened.deal === body.deal,
    )
    if (found === undefined) throw new CodedError('BOX_INVALID', `there is no such deal of ${dealer} here`)
    refuseOtherBox(found.opened, found.box, approved.me)
    let key: Uint8Array | null = null
    try {
      key = derivedBoxKey(keys, { study, round, roster: fields.roster, from: dealer, to: approved.me }, found.box)
    } catch (thrown) {
      if (asCodedError(thrown).code !== 'BOX_INVALID') throw thrown
    }
    this.#attempts.refuseUnapproved()
    const message = this.#attempts.sign('box-opening', { ...fields, dealer, deal: body.deal, key })
    await client.openBox(message, this.#attempts.refuseUnapproved)
    log.warn({ round, dealer, box: hashBytes(found.box) }, 'showed the key of a box of a disputed deal')
  }
}
