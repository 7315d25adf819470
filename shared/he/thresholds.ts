import { CodedError } from '../errors.ts'
import { count } from '../units.ts'

/**
 * SEAL's encryption error is a centred binomial of 2 x 21 bits: every coefficient of one ciphertext has |e| <= 21, always
 * (SEAL 4.1, util/rlwe.cpp `sample_poly_cbd`). The errors of n contributions sum to at most 21 n: a bound, not a probability.
 */
export const largestError = 21

/**
 * Replies needed to rebuild a sum of keys (R7): t = floor((m + c) / 2) + 1 of the m share holders. Two reply sets of t share at
 * least 2t - m >= c + 1 holders, so at least one that does not collude; it answers once, hence for one contributor set only.
 * Throws `UNIT_OUT_OF_RANGE`.
 */
export const threshold = (holders: number, colluders: number): number =>
  Math.floor((count('share holders', holders, 2) + count('colluders', colluders)) / 2) + 1

/**
 * How many of `sites` may be absent from a sum (R7): a = floor((n - c) / 4), at n - c below 4 nobody. A coordinator that announces
 * different sets to different holders, fewer than t of them the same one, must not be able to add the answers up to anything that
 * depends on keys only: with n = m = 6, c = 0 and 3 absent, answers for A, B and their union give 5 S_A + S_B to nobody's colluder.
 * Within the rule no combination of answers of different sets does, whoever of fewer than 2t - m colludes. Throws
 * `UNIT_OUT_OF_RANGE`.
 *
 * Proof (our own). k colluders' shares are known, so tau = t - k honest answers are missing. Let J be the honest holders whose answers
 * are used, |J| <= m - k < 2 tau, U_j the set that j was told. The keys' polynomials are of degree below tau in what is unknown, so by
 * the dual of the Reed-Solomon code on 0 and J each honest dealer v has a polynomial P_v of degree <= |J| - tau with P_v(x_j) = L_j, not
 * 0, where v is in U_j and 0 elsewhere: one that is not 0 is not 0 at >= tau places of J, two that differ do so at >= tau.
 * (1) If some v is in all U_j, then any other dealer is in all or none, or |J| >= 2 tau: one set. (2) If not, dealers in the same U_j
 * all miss one of them, so they are a share of at most b = a / (n - k) of the n - k honest ones. Of two dealers drawn at random the
 * distance is on average >= (1 - b) tau, and <= 2 |J| b (1 - b), as each U_j misses a share of at most b <= 1/2: tau <= 2 |J| b.
 * For k <= c, b <= 1/4 and |J| < 2 tau contradict that. Else k = c + 1 = 2t - m - 1, |J| <= 2 tau - 1 = m - k and b <= (n - c) / 4 (n - k)
 * leave equality alone: n = m, n - c = 4a, all classes of a dealers, who are 4a - 1: a = 1, three dealers, each missed by one of
 * three holders, tau = 2, and then the values of three polynomials of degree 1 give 1 = -1 modulo an odd q.
 */
export const mostAbsent = (sites: number, colluders: number): number =>
  Math.max(0, Math.floor((count('sites', sites, 2) - count('colluders', colluders)) / 4))

/** Fewest contributors that a plan may ask for: enough for R7's two honest ones, and no more absent than `mostAbsent`. */
export const fewestContributors = (sites: number, colluders: number): number =>
  Math.max(leastContributors(colluders), sites - mostAbsent(sites, colluders))

/** Fewest contributors that a site may help to open (R7): two whom nobody among the colluders, or the receiver, can remove. */
export const leastContributors = (colluders: number): number => Math.max(count('colluders', colluders), 1) + 2

/** Smallest s with 2^s > 2 (21 n): the message sits above the sum of n errors, which rounding then removes exactly. */
export const smallestScaleBits = (contributors: number): number => {
  const errors = 2 * largestError * count('contributors', contributors, 1)
  let bits = 1
  while (2 ** bits <= errors) bits++
  return bits
}

/**
 * How many sites, colluding with the coordinator, can open two different contributor sets of one round (R7). The m - k honest
 * share holders split in two, the k colluders answer both halves: k + (m - k) / 2 >= t, so k = 2t - m. Fewer cannot, whatever sets
 * they have announced to whom, where a plan keeps `mostAbsent`; elsewhere they may, by mixing sets. Where only the full set may be opened
 * there is no second set and it takes t holders, who have enough shares of every single key. The figure is for colluders who are
 * all holders; `holders` is m where that is not every site.
 */
export const collusionThatOpensTwice = (rule: {
  readonly sites: number
  readonly holders?: number
  readonly threshold: number
  readonly leastContributors: number
}): number => {
  const sites = count('sites', rule.sites, 2)
  const holders = count('holders', rule.holders ?? sites, 2)
  const replies = count('threshold', rule.threshold, 1)
  const least = count('least contributors', rule.leastContributors, 1)
  if (holders > sites || replies > holders || least > sites) {
    throw new CodedError(
      'UNIT_OUT_OF_RANGE',
      `least contributors must be at most the ${sites} sites, the threshold at most the ${holders} share holders`,
    )
  }
  return least === sites ? replies : Math.max(0, 2 * replies - holders)
}
