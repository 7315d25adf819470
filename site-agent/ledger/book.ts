import { CodedError } from '@tributary/shared/errors'
import type { RoundId, StudyId } from '@tributary/shared/ids'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { Cap, Charge, EntryContent, Reservation } from './entry.ts'
import { fixedDecimal } from './fixed-decimal.ts'

/** Where one study stands. */
export interface Account {
  readonly reservation: Reservation
  /** Attempts charged so far, per query. */
  readonly charged: number[]
  revoked: boolean
}

const refused = (why: string): CodedError => new CodedError('LEDGER_REFUSED', why)

/**
 * What the entries add up to, and the rules for the next one. Across studies the cap is on the plain sums of epsilon and delta
 * (basic composition, valid for studies chosen adaptively: R18); nothing is ever taken off a sum (R6).
 */
export class Book {
  cap: Cap | undefined
  readonly accounts = new Map<StudyId, Account>()
  readonly charges = new Map<RoundId, Charge>()

  /** Why this entry may not be next, or undefined. O(studies). */
  refusalOf(content: EntryContent): CodedError | undefined {
    switch (content.kind) {
      case 'cap':
        return undefined
      case 'reserve':
        return this.accounts.has(content.study) ? refused('this study is reserved already') : this.#overCap(content)
      case 'charge':
        return this.#refusalOfCharge(content)
      case 'revoke':
        return this.#openAccount(content.study) === undefined
          ? refused('this study is not reserved, or was revoked')
          : undefined
    }
  }

  apply(content: EntryContent): void {
    switch (content.kind) {
      case 'cap':
        this.cap = { epsilon: content.epsilon, delta: content.delta }
        return
      case 'reserve': {
        const { kind: _, ...reservation } = content
        this.accounts.set(content.study, { reservation, charged: content.phases.map(() => 0), revoked: false })
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
    }
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

  #overCap(next: Reservation): CodedError | undefined {
    const over = (why: string) => new CodedError('BUDGET_EXCEEDED', why)
    if (this.cap === undefined) return over('no cap is set: nothing can be reserved')
    const all = [...this.accounts.values()].map(({ reservation }) => reservation)
    for (const unit of ['epsilon', 'delta'] as const) {
      const owed = [...all, next].reduce((sum, reservation) => sum + fixedDecimal(reservation[unit], 'up'), 0n)
      if (owed <= fixedDecimal(this.cap[unit], 'down')) continue
      const before = all.reduce((sum, reservation) => sum + reservation[unit], 0)
      return over(`${unit} ${next[unit]} on top of ${before} reserved exceeds the cap of ${this.cap[unit]}`)
    }
    return undefined
  }
}
