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
 * share holders split in two, the k colluders answer both halves: k + (m - k) / 2 >= t, so k = 2t - m. Where only the full set may
 * be opened there is no second set and it takes t holders, who have enough shares of every single key. The figure is for colluders
 * who are all holders; `holders` is m where that is not every site.
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
