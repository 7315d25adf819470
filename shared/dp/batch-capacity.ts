import type { StudyDraft } from '../study/study-schema.ts'
import type { Query } from './query.ts'

/**
 * How many rows a site's batch has room for, and what that room costs (R10).
 *
 * A batch is padded to a size that the plan alone decides, so that the shapes of all tensors, and with them work and memory, say
 * nothing of who was drawn. Room for everybody would undo the sampling's savings; so there is room for mean + 7 standard deviations
 * of a Poisson draw from the promised units, and more where the binomial is skewed. What is drawn beyond it is dropped.
 *
 * Why dropping costs the probability of dropping and nothing else: fix a unit with at most m records, and the coins O of all other
 * records, in every attempt. They are independent of the unit and of whether it is there. As long as |O| + m <= capacity nothing is
 * dropped in either of the two neighbouring tables, and given those O the releases are the sampled Gaussian ones that the accountant
 * composes; in the rest of the cases anything may happen. Both tables mix over O with the same weights, and the hockey-stick
 * divergence is jointly convex: delta grows by at most the probability of |O| + m > capacity in some attempt, whatever the rule by
 * which the excess is chosen, and without a factor e^epsilon. For a unit present at several sites: by the sum over them.
 *
 * A site with more units than promised is given the next rung of `roomFor`, and a capacity against the same limit for that rung. The
 * two neighbours may then stand on two rungs: both capacities bound |O|, so one bound decides, and either keeps the limit because
 * the others are no more than the smaller table's rung. The charge is the sum of the limits, hence the same for all tables.
 */

/** Standard deviations above the mean that always have room (R10; research/dp-engines.md: at 3 epsilon doubles, at 7 nothing). */
const deviations = 7

/** All truncation of a plan together costs at most this share of delta. */
const deltaShare = 2 ** -12

type SampledQuery = Pick<Query, 'samplingRate' | 'attempts'>
type CapacityStudy = Pick<StudyDraft, 'privacy' | 'sites'>

/**
 * An upper bound of P[X >= k] for X binomial (n, q), k above the mean; 0 for k > n. The largest term by Stirling with Robbins's
 * remainders (1955), pmf(k) <= sqrt(n / (2 pi k (n - k))) exp(1 / (12 n) - n KL(k/n, q)), then a geometric series: successive
 * terms fall at least by the ratio of the first two. Within 2 % of the sum above n q (1 - q) = 10. Constant cost.
 */
export const binomialTail = (n: number, q: number, k: number): number => {
  if (k > n || q === 0) return 0
  if (k <= n * q || q === 1) return 1
  if (k === n) return q ** n
  const [mean, rest] = [n * q, n - k]
  const divergence = k * Math.log1p((k - mean) / mean) + rest * Math.log1p((mean - k) / (n - mean))
  const largest = Math.sqrt(n / (2 * Math.PI * k * rest)) * Math.exp(1 / (12 * n) - divergence)
  const ratio = (rest * q) / ((k + 1) * (1 - q))
  return Math.min(1, largest / (1 - ratio))
}

/** A patient's records among the units that are drawn: more than one for unit row alone. */
const recordsOf = ({ unit, most_rows_per_patient: most }: CapacityStudy['privacy']): number =>
  unit === 'row' ? (most ?? 1) : 1

/** The probability that a batch of this size drops anything while one patient's records may be in it, of at most `units`. */
const dropping = (units: number, rate: number, records: number, capacity: number): number =>
  capacity >= units ? 0 : binomialTail(units, rate, capacity - records + 1)

/**
 * Rows of one sampled batch at a site of `units` units: ceil(mean + 7 sd) of the draw, more where that drops anything with a
 * probability that the plan's delta would notice, never more than the units. `queries` is the whole plan of `study`.
 */
export const batchCapacity = (
  query: SampledQuery,
  queries: readonly SampledQuery[],
  study: CapacityStudy,
  units: number,
): number => {
  const { samplingRate: rate } = query
  const attempts = queries.reduce((sum, each) => sum + each.attempts, 0)
  const limit = (study.privacy.delta * deltaShare) / (attempts * study.sites.length)
  const deviation = Math.sqrt(units * rate * (1 - rate))
  const records = recordsOf(study.privacy)
  let capacity = Math.ceil(units * rate + deviations * deviation)
  const step = Math.max(1, Math.floor(deviation / 16))
  while (dropping(units, rate, records, capacity) > limit) capacity += step
  return Math.min(units, capacity)
}

/**
 * What truncated batches add to delta at most, over all attempts and sites, however many units the sites have: each batch's size
 * is chosen against the same limit, on whatever rung of `roomFor`.
 */
export const truncationCharge = ({ delta }: Pick<StudyDraft['privacy'], 'delta'>): number => delta * deltaShare

/**
 * The size that a table of `actual` is given where `promised` was promised, both in units or both in rows: that, or where the
 * promise is broken the next of a ladder whose rungs are a quarter apart: how long the work takes then shows by which rung, and no
 * more. `promised` is at least 1.
 */
export const roomFor = (actual: number, promised: number): number => {
  let room = promised
  while (room < actual) room = Math.ceil(1.25 * room)
  return room
}
