import { atMostFigure } from '@tributary/shared/dp/odds'
import { renyiEpsilon } from '@tributary/shared/dp/renyi-filter'
import { CodedError } from '@tributary/shared/errors'
import type { RoundId, StudyId } from '@tributary/shared/ids'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { Acknowledged, Cap, Charge, EntryContent, Reservation, Restored } from './entry.ts'
import { fixedDecimal } from './fixed-decimal.ts'

/** Where one study stands. */
export interface Account {
  readonly reservation: Reservation
  /** Attempts charged so far, per query. */
  charged: number[]
  revoked: boolean
  /** Attempts of `charged` at the last acknowledgement of a restore: their rounds need not be known one by one. */
  acknowledged: number
}

/** All attempts charged, of every query. */
export const attemptsOf = ({ charged }: Account): number => charged.reduce((sum, attempts) => sum + attempts, 0)

const refused = (why: string): CodedError => new CodedError('LEDGER_REFUSED', why)
const over = (why: string): CodedError => new CodedError('BUDGET_EXCEEDED', why)

/**
 * What the entries add up to, and the rules for the next one. Across studies, which are chosen adaptively, the cap is on the plain
 * sums of epsilon and delta (basic composition) or on a Renyi filter, as the officer set it (R18); nothing is ever taken off (R6).
 */
export class Book {
  cap: Cap | undefined
  readonly accounts = new Map<StudyId, Account>()
  readonly charges = new Map<RoundId, Charge>()
  /** What peers know and this book does not, until an officer acknowledges it (R4). */
  restored: Restored[] = []
  /** Mark of the lost `volatile/` that was acknowledged last. */
  acknowledgedLoss: string | null = null

  /**
   * Why this entry may not be next, or undefined. `isNew`: about to be written. What was admitted by the Renyi filter is not
   * computed again on reading: another version's accountant may differ in the last digits. O(studies).
   */
  refusalOf(content: EntryContent, isNew: boolean): CodedError | undefined {
    const isSpending = content.kind === 'cap' || content.kind === 'reserve' || content.kind === 'charge'
    // Nor may a study be revoked so that it is not charged to its end. Earlier versions took that, so it does not break a chain.
    const isStopped = isSpending || (content.kind === 'revoke' && isNew)
    if (isStopped && this.restored[0] !== undefined) return restoredError(this.restored[0])
    switch (content.kind) {
      case 'cap':
        return ruleOf(content) === ruleOf(this.cap) ? undefined : this.#overCap(this.#reservations(), content, isNew)
      case 'reserve':
        return this.accounts.has(content.study)
          ? refused('this study is reserved already')
          : this.#overCap([...this.#reservations(), content], this.cap, isNew)
      case 'charge':
        return this.#refusalOfCharge(content)
      case 'revoke':
        return this.#openAccount(content.study) === undefined
          ? refused('this study is not reserved, or was revoked')
          : undefined
      case 'restored':
        return undefined
      case 'acknowledged':
        return content.accounts.every((account) => this.#isNoLess(account))
          ? undefined
          : refused('an acknowledgement that takes something off, or charges more than is reserved')
    }
  }

  apply(content: EntryContent): void {
    switch (content.kind) {
      case 'cap': {
        const { kind: _, ...cap } = content
        this.cap = cap
        return
      }
      case 'reserve': {
        const { kind: _, ...reservation } = content
        const charged = content.phases.map(() => 0)
        this.accounts.set(content.study, { reservation, charged, revoked: false, acknowledged: 0 })
        return
      }
      case 'charge': {
        const { kind: _, ...charge } = content
        this.charges.set(content.round, charge)
        // Safe because `refusalOf` let it pass: the account and its query exist.
        this.#reserved(content.study).charged[content.query]! += 1
        return
      }
      case 'revoke':
        this.#reserved(content.study).revoked = true
        return
      case 'restored': {
        const { kind: _, ...restored } = content
        this.restored.push(restored)
        return
      }
      case 'acknowledged': {
        if (content.cap !== null) this.apply(content.cap)
        for (const { charged, revoked, ...reservation } of content.accounts) {
          const account: Account = { reservation, charged: [...charged], revoked, acknowledged: 0 }
          this.accounts.set(reservation.study, { ...account, acknowledged: attemptsOf(account) })
        }
        this.restored = []
        this.acknowledgedLoss = content.volatile ?? this.acknowledgedLoss
        return
      }
    }
  }

  /** Whether a contribution of this site, as a peer shows it, is one that this book has charged. */
  knows({ study, round, charged }: { readonly study: StudyId; readonly round: RoundId; readonly charged: number }) {
    const account = this.accounts.get(study)
    if (account === undefined || charged > attemptsOf(account)) return false
    return this.charges.has(round) || charged <= account.acknowledged
  }

  #reservations(): Reservation[] {
    return [...this.accounts.values()].map(({ reservation }) => reservation)
  }

  #openAccount(study: StudyId): Account | undefined {
    const account = this.accounts.get(study)
    return account === undefined || account.revoked ? undefined : account
  }

  #refusalOfCharge({ study, round, query, step, attempt }: Charge): CodedError | undefined {
    const account = this.#openAccount(study)
    if (account === undefined) return refused('this study is not reserved, or was revoked')
    if (round !== roundIdOf(study, step, attempt)) return refused('a round that is not of this study, step and attempt')
    if (this.charges.has(round)) return refused('this round is charged already')
    const reserved = account.reservation.phases[query]?.steps
    if (reserved === undefined) return refused(`the plan has no query ${query}`)
    if (account.charged[query]! >= reserved)
      return refused(`all ${reserved} attempts reserved for query ${query} are charged`)
    return undefined
  }

  /** `refusalOf` has let the entry pass, so the study is there. */
  #reserved(study: StudyId): Account {
    const account = this.accounts.get(study)
    if (account === undefined) throw new CodedError('INTERNAL', 'an entry for a study that was never reserved')
    return account
  }

  #isNoLess({ study, charged, phases, revoked }: Acknowledged['accounts'][number]): boolean {
    const here = this.accounts.get(study)
    const fits = charged.length === phases.length && charged.every((attempts, i) => attempts <= phases[i]!.steps)
    return fits && (here === undefined || (revoked >= here.revoked && here.charged.every((n, i) => n <= charged[i]!)))
  }

  #overCap(all: readonly Reservation[], cap: Cap | undefined, isNew: boolean): CodedError | undefined {
    if (cap === undefined) return over('no cap is set: nothing can be reserved')
    if (ruleOf(cap) === 'sum') return overSums(all, cap)
    if (!isNew) return undefined
    const together = renyiEpsilon(all, cap)
    if (together <= cap.epsilon) return undefined
    return together === Infinity
      ? over('under the Renyi rule this is not bounded: the noise sampler alone needs too much of delta at this cap')
      : over(
          `epsilon ${atMostFigure(together, 6)} of all reserved studies by the Renyi rule exceeds the cap of ${cap.epsilon}`,
        )
  }
}

const ruleOf = (cap: Cap | undefined): 'sum' | 'renyi' => cap?.accounting ?? 'sum'

const overSums = (all: readonly Reservation[], cap: Cap): CodedError | undefined => {
  for (const unit of ['epsilon', 'delta'] as const) {
    const owed = all.reduce((sum, reservation) => sum + fixedDecimal(reservation[unit], 'up'), 0n)
    if (owed <= fixedDecimal(cap[unit], 'down')) continue
    const sum = all.reduce((total, reservation) => total + reservation[unit], 0)
    // The exact sum is above the cap, also where this one was rounded to it.
    const shown = atMostFigure(Math.max(sum, cap[unit] * (1 + Number.EPSILON)), 6)
    return over(`${unit} ${shown} of all reserved studies together exceeds the cap of ${cap[unit]}`)
  }
  return undefined
}

/** Names the peer: an officer asks that hospital when it was not this one that was restored. */
export const restoredError = ({ peer, study, step, attempt }: Restored): CodedError =>
  new CodedError(
    'LEDGER_RESTORED',
    `${peer} holds a contribution of this site to ${study.slice(0, 12)}, step ${step}, attempt ${attempt}, that is not known here`,
  )
