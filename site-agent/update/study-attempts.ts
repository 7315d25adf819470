import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { RoundId, StudyId } from '@tributary/shared/ids'
import { type Body, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import { type AttemptFields, attemptOf, type OwnDeal } from '../policy/round-guard.ts'
import type { RoundWorkerParts } from './round-parts.ts'

export const keyGone = 'the one-time key is gone'

interface OpenAttempt {
  readonly step: number
  readonly attempt: number
}

/**
 * The attempts of one study that this site is in the middle of: those whose one-time key is alive, in `sealing` and nowhere else, so
 * that a restart in mid-round withdraws.
 */
export class StudyAttempts {
  readonly approved: ApprovedStudy
  readonly #parts: RoundWorkerParts
  readonly #open = new Map<RoundId, OpenAttempt>()

  constructor(parts: RoundWorkerParts, approved: ApprovedStudy) {
    this.#parts = parts
    this.approved = approved
  }

  /** Throws `ROUND_REFUSED` for another study and for an attempt that the plan does not have. */
  fieldsOf(task: { readonly study: StudyId; readonly step: number; readonly attempt: number }): AttemptFields {
    if (task.study !== this.approved.study) throw new CodedError('ROUND_REFUSED', 'an attempt of another study')
    return attemptOf(this.approved, task.step, task.attempt)
  }

  isOpen(round: RoundId): boolean {
    return this.#open.has(round)
  }

  begin({ round, step, attempt }: AttemptFields): void {
    this.#open.set(round, { step, attempt })
  }

  /** The key is used, or of no more use. */
  async end(round: RoundId): Promise<void> {
    this.#open.delete(round)
    await this.#parts.sealing.erase(round).catch((thrown: unknown) => {
      // A thread that is gone took its keys with it.
      this.#parts.log.debug({ round, code: asCodedError(thrown).code }, 'a one-time key was gone already')
    })
  }

  /** Ends every attempt, telling the coordinator; never rejects. */
  async leave(): Promise<void> {
    for (const [round, { step, attempt }] of this.#open) {
      await this.end(round)
      try {
        await this.withdraw(attemptOf(this.approved, step, attempt), 'this site leaves the study for now')
      } catch (thrown) {
        this.#parts.log.debug({ round, code: asCodedError(thrown).code }, 'a withdrawal was not taken')
      }
    }
  }

  /** Ends those of which `isOver`. */
  async endWhere(isOver: (attempt: OpenAttempt) => boolean): Promise<void> {
    for (const [round, attempt] of this.#open) if (isOver(attempt)) await this.end(round)
  }

  async withdraw(fields: Body<'withdrawal'>, why: string): Promise<void> {
    this.#parts.log.warn({ round: fields.round, step: fields.step, why }, 'withdrawn from this attempt')
    await this.#parts.client.withdraw(this.sign('withdrawal', fields))
  }

  /** What this site dealt for a round, also before a restart; undefined where it did not, or so long ago that only that is known. */
  ownDeal(round: RoundId): OwnDeal | undefined {
    const { outbox } = this.#parts
    const dealt = outbox.dealt(round)
    if (dealt === undefined || dealt === 'pruned') return undefined
    return { deal: hashBytes(dealt.message.body), removed: outbox.removedBy(round) }
  }

  sign<Kind extends Parameters<typeof signBody>[0]>(kind: Kind, body: Body<Kind>): SignedMessage {
    return signBody(kind, this.approved.me, body, this.#parts.identity)
  }

  /** Throws `ROUND_REFUSED` once the officer paused or revoked the study. */
  readonly refuseUnapproved = (): void => {
    if (!this.#parts.isApproved()) throw new CodedError('ROUND_REFUSED', 'the study was paused or revoked here')
  }
}
