import { priceOfReserved } from '@tributary/shared/dp/plan-branches'
import { samplerReserve } from '@tributary/shared/dp/plan-queries'
import { renyiEpsilon } from '@tributary/shared/dp/renyi-filter'
import { CodedError } from '@tributary/shared/errors'
import { delta } from '@tributary/shared/units'
import type { Account, Book } from './book.ts'
import type { Cap, Reservation } from './entry.ts'

/** What one study has cost a patient so far, and what it may cost at most. */
export interface StudySpending {
  readonly study: string
  readonly name: string
  readonly unit: 'row' | 'patient'
  readonly revoked: boolean
  /** Per query. */
  readonly attempts: readonly { readonly reserved: number; readonly charged: number }[]
  /** Of the attempts charged so far, at `delta`, to another hospital; 0 before the first. */
  readonly epsilon: number
  /** Of the whole plan: what counts towards the cap. */
  readonly reservedEpsilon: number
  readonly delta: number
}

export interface Spending {
  readonly cap: Cap | null
  /** Which of the two figures below the cap is on (R18). */
  readonly accounting: 'sum' | 'renyi'
  /** Of all studies ever reserved: plain sums, and epsilon by the Renyi filter at the cap's delta (null without a cap). */
  readonly reserved: { readonly epsilon: number; readonly delta: number; readonly renyi: number | null }
  readonly studies: readonly StudySpending[]
}

/** The delta that is left for the mechanism once the sampler has been paid for (R20); half where it would take more than that. */
const mechanismDelta = ({ epsilon, delta: total, distance }: Reservation): number => {
  const isTooMuch = (1 + Math.exp(epsilon)) * distance > total / 2
  return total - (isTooMuch ? total / 2 : samplerReserve({ epsilon, delta: total }, distance))
}

const known = new Map<string, number>()
const mostKnown = 1024

const epsilonSoFar = ({ reservation, charged }: Account): number => {
  if (charged.every((attempts) => attempts === 0)) return 0
  const key = JSON.stringify([reservation, charged])
  const before = known.get(key)
  if (before !== undefined) return before
  const phases = reservation.phases.map((phase, query) => ({ ...phase, steps: charged[query]! }))
  const epsilon = priceOfReserved(phases, delta(mechanismDelta(reservation)))
  // A part of the plan never costs more than the plan.
  const least = Math.min(epsilon, reservation.epsilon)
  if (known.size >= mostKnown) known.clear()
  known.set(key, least)
  return least
}

const byFilter = (accounts: readonly Account[], cap: Cap): number =>
  renyiEpsilon(
    accounts.map(({ reservation }) => reservation),
    cap,
  )

/** Cost: one accounting a study, two tenths of a second or so; none for what this process has accounted before. */
export const spendingOf = ({ cap, accounts }: Book): Spending => {
  const all = [...accounts.values()]
  const sum = (unit: 'epsilon' | 'delta') => all.reduce((total, { reservation }) => total + reservation[unit], 0)
  return {
    cap: cap ?? null,
    accounting: cap?.accounting ?? 'sum',
    reserved: { epsilon: sum('epsilon'), delta: sum('delta'), renyi: cap === undefined ? null : byFilter(all, cap) },
    studies: all.map((account) => ({
      study: account.reservation.study,
      name: account.reservation.name,
      unit: account.reservation.unit,
      revoked: account.revoked,
      attempts: account.reservation.phases.map(({ steps }, query) => ({
        reserved: steps,
        charged: account.charged[query]!,
      })),
      epsilon: epsilonSoFar(account),
      reservedEpsilon: account.reservation.epsilon,
      delta: account.reservation.delta,
    })),
  }
}

/**
 * The least that a plan price can say: like dp/plan-price it keeps part of delta back for the sampler (R20), but does not know the
 * study's own epsilon, so it takes the smallest reserve that any has. Where the sampler needs more than a quarter of delta the
 * figure is one of ideal noise, and the least reserve is all it can be held to.
 */
const leastPrice = ({ phases, delta: total, distance }: Reservation): number => {
  const price = (reserve: number) => priceOfReserved(phases, delta(total - reserve))
  const least = samplerReserve({ epsilon: 0, delta: total }, 0)
  const epsilon = price(least)
  if ((1 + Math.exp(epsilon)) * distance > total / 4) return epsilon
  const reserve = samplerReserve({ epsilon, delta: total }, distance)
  return reserve > least ? price(reserve) : epsilon
}

/** Throws `LEDGER_REFUSED` for a price below what the reserved attempts cost: the caller did not price this plan. */
export const refuseUnderpriced = (reservation: Reservation): void => {
  const epsilon = leastPrice(reservation)
  if (reservation.epsilon < epsilon * (1 - 1e-9)) {
    throw new CodedError('LEDGER_REFUSED', `the plan costs epsilon ${epsilon}, not ${reservation.epsilon}`)
  }
}
