import { CodedError } from '@tributary/shared/errors'
import { sumShares } from '@tributary/shared/he/shamir'
import { epochOf, firstEpochNeeded } from '@tributary/shared/study/epoch'
import { messageBytes, messageFrom } from '@tributary/shared/wire/body'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { type Announced, type NamedContributor, namedContributors, openAnnouncement } from '../policy/announced-set.ts'
import { isHolder } from '../policy/approved-study.ts'
import { countersIn } from '../policy/peer-voices.ts'
import { attemptOf } from '../policy/round-guard.ts'
import type { AttemptDeals } from './attempt-deals.ts'
import type { ReceivedDeals } from './received-deals.ts'
import { removedSites } from './removed-sites.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import type { StudyAttempts } from './study-attempts.ts'

/** Adds this holder's shares over the announced contributor set, once an attempt (R4). */
export class Answering {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #deals: AttemptDeals

  constructor(parts: RoundWorkerParts, attempts: StudyAttempts, deals: AttemptDeals) {
    this.#parts = parts
    this.#attempts = attempts
    this.#deals = deals
  }

  /**
   * Throws `ANSWER_REFUSED` for a second contributor set, `ROUND_REFUSED` for one that breaks a rule, `BOX_INVALID` where a box of
   * it is missing, `COUNTER_REFUSED` where one of it went back: in every case nothing of a share leaves, and a set that was never
   * answered burns nothing.
   */
  async perform(message: SignedMessage): Promise<void> {
    const { answers, client, log } = this.#parts
    const { approved } = this.#attempts
    const announced = openAnnouncement(message, approved)
    const { study, step, attempt, round } = announced.body
    if (!isHolder(approved)) throw new CodedError('ROUND_REFUSED', 'this site holds no shares')
    const kept = answers.kept({ study, step, attempt, announcement: announced.hash })
    const bytes = kept ?? (await this.#answer(announced))
    this.#attempts.refuseUnapproved()
    await client.answer(messageFrom(bytes), this.#attempts.refuseUnapproved)
    this.#deals.eraseShares(round)
    const contributors = announced.body.contributors.map(({ site }) => site)
    log.info({ round, step, attempt, contributors }, 'answered')
  }

  async #answer(announced: Announced): Promise<Uint8Array> {
    const { answers, counters, outbox, ring, boxKeys } = this.#parts
    const { approved } = this.#attempts
    const { body, hash } = announced
    const { study, step, attempt, round, roster } = body
    // A removal counts against a set even where nothing was dealt under it here (R1).
    outbox.noteRemoved(round, await removedSites(this.#parts, approved))
    const contributors = namedContributors(announced, approved, {
      statement: outbox.statement(round),
      isAcknowledged: outbox.isAcknowledged(round),
      removed: outbox.removedBy(round),
    })
    boxKeys.refuseErased(study, epochOf(step))
    boxKeys.eraseBefore(study, firstEpochNeeded(step))
    const peerCounters = countersIn(contributors, approved)
    counters.refuseBackward(...peerCounters)
    const summands = await this.#sharesOf(contributors, attemptOf(approved, step, attempt))
    this.#attempts.refuseUnapproved()
    return answers.answer({ study, step, attempt, announcement: hash }, () => {
      // Inside: a repeated request for an older attempt gets its stored bytes, whatever was seen since.
      counters.observe(...peerCounters)
      const share = sumShares(ring, summands)
      const fields = { study, step, attempt, round, roster, announcement: hash, share }
      return messageBytes(this.#attempts.sign('answer', fields))
    })
  }

  async #sharesOf(
    contributors: readonly NamedContributor[],
    fields: ReturnType<typeof attemptOf>,
  ): Promise<Uint8Array[]> {
    const isEnough = ({ deals }: ReceivedDeals): boolean =>
      contributors.every(({ deal }) => deals.some(({ opened }) => opened.deal === deal))
    const { deals } = await this.#deals.of(fields, isEnough)
    return contributors.map(({ site, deal }) => {
      // By dealer too: who signs a copy of another's deal has its hash, and must not bring the other's key into the sum again.
      const share = deals.find(({ opened }) => opened.dealer === site && opened.deal === deal)?.share
      if (!share) throw new CodedError('BOX_INVALID', `there is no valid box of ${site} for this round`)
      return share
    })
  }
}
