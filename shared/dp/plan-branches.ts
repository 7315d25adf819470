import type { Delta } from '../units.ts'
import { priceOf } from './accountant.ts'
import { phasesOf } from './plan-queries.ts'
import type { Phase } from './phase.ts'
import type { Query } from './query.ts'

/**
 * Which queries of a plan one patient can be in, and what follows for its price.
 *
 * A study with an evaluation parts each hospital's patients in two by a secret key of the hospital (site-agent/records/holdout):
 * training queries see those who are not held out, `scores` those who are. Claim: against a patient of one hospital the plan costs
 * the dearer of its training queries T and its `scores` query E, not their composition (parallel composition, McSherry 2009,
 * theorem 4, made adaptive).
 *
 * Proof. Fix the hospital's key; it is drawn before any table is read and is independent of all tables. Let D' be D with one
 * patient x added (or removed). Whether x is held out is a function of that key and of x's own key alone, so every other patient
 * is on the same side in D and D'. (1) x is not held out: the held-out part of D and of D' is the same. The training sums t are
 * (epsilon_T, delta)-indistinguishable. The scorer is a function of t, and given t the scores s are drawn from a distribution that
 * is the same for D and D': (t, s) is t followed by a randomised map that does not look at x, a post-processing. (2) x is held
 * out: t has the same distribution for D and D', and given any t the scorer is fixed and s is (epsilon_E, delta)-
 * indistinguishable; averaging over t keeps that, for the hockey-stick divergence is jointly convex. So for each key (t, s) is
 * (max(epsilon_T, epsilon_E), delta)-indistinguishable; the same convexity averages over keys. It holds for any order of the queries,
 * with the scorer chosen by an adversary who has seen t, and for whoever misses fewer noise shares: T and E are priced for the shares
 * that this view misses.
 *
 * A person of k hospitals may be trained on at j of them and held out at the other k - j, for the hospitals' keys are
 * independent: group privacy of T at j composed with that of E at k - j, and the price is the dearest j. The parts that a
 * hospital knows of its own patients do not matter: the argument holds for each key.
 */
export const branchesOf = (queries: readonly Query[]) => ({
  training: queries.filter(({ kind }) => kind !== 'scores'),
  heldOut: queries.filter(({ kind }) => kind === 'scores'),
})

/**
 * What the accountant is given for every way in which a person's `records` contributions, one a hospital, can fall to the two
 * branches; their price is the dearest of these. One list of phases for a plan without an evaluation, where several contributions
 * may also be rows of one patient.
 */
export const splitsOf = (
  queries: readonly Query[],
  shares: number,
  sizedFor: number,
  records = 1,
): readonly (readonly Phase[])[] => {
  const { training, heldOut } = branchesOf(queries)
  if (heldOut.length === 0) return [phasesOf(training, shares, sizedFor, records)]
  return Array.from({ length: records + 1 }, (_, trained) => [
    ...(trained > 0 ? phasesOf(training, shares, sizedFor, trained) : []),
    ...(trained < records ? phasesOf(heldOut, shares, sizedFor, records - trained) : []),
  ])
}

/** A phase as it is set aside in a patient ledger: `heldOut` marks what only patients who are held out take part in. */
export type ReservedPhase = Phase & { readonly heldOut?: true }

/** One phase a query, in the plan's order, for a patient of one hospital with `records` contributions. */
export const reservedPhases = (
  queries: readonly Query[],
  shares: number,
  sizedFor: number,
  records = 1,
): readonly ReservedPhase[] =>
  queries.map((query) => {
    const [phase] = phasesOf([query], shares, sizedFor, records)
    // safe because one query gives one phase
    return query.kind === 'scores' ? { ...phase!, heldOut: true } : phase!
  })

/** The phases that one patient can be in: all, or where some are marked, those that are not and those that are. */
export const reservedBranches = (phases: readonly ReservedPhase[]): readonly (readonly Phase[])[] => {
  const plain = (heldOut: boolean) =>
    phases.filter((phase) => (phase.heldOut === true) === heldOut).map(({ heldOut: _, ...phase }): Phase => phase)
  return phases.some(({ heldOut }) => heldOut) ? [plain(false), plain(true)] : [phases]
}

/** Epsilon of what is reserved or was charged, for one patient of one hospital: of the dearer branch. */
export const priceOfReserved = (phases: readonly ReservedPhase[], bound: Delta): number =>
  Math.max(...reservedBranches(phases).map((branch) => priceOf(branch, bound).epsilon))
