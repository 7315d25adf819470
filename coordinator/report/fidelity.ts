import { levelName } from '@tributary/shared/schema/column'
import type { CohortTally } from './cohort-tally.ts'
import { type MarginalNoise, z95 } from './noise-of-marginals.ts'
import type { Report } from './report-schema.ts'

type Fidelity = Report['fidelity']
type Level = Fidelity['columns'][number]['levels'][number]

/** Mean distance by noise alone above which agreement with the release is no evidence any more. */
const wideNoise = 0.02

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length
const distance = (levels: readonly Level[], of: (level: Level) => number): number => sum(levels.map(of)) / 2
const isInside = ({ sample, low, high }: Level): boolean => sample >= low && sample <= high

/**
 * The generator against the noisy released marginals, the only real aggregates there are: never against patients. `released` in
 * the layout's order. Distances are total variation. Cost: O(cells).
 */
export const fidelityOf = (
  released: Float64Array,
  noise: MarginalNoise,
  sample: CohortTally,
  cohort: CohortTally,
): Fidelity => {
  let offset = 0
  const columns = sample.columns.map((column, j) => {
    const counts = sample.counts(j)
    const cohortCounts = cohort.counts(j)
    const deviation = noise.share(counts.length)
    const levels = Array.from(counts, (count, code): Level => {
      const share = released[offset + code]!
      return {
        level: levelName(column, code),
        released: share,
        low: Math.max(0, share - z95 * deviation),
        high: Math.min(1, share + z95 * deviation),
        sample: count / sample.rows,
        cohort: cohortCounts[code]! / cohort.rows,
        like_zero: share < z95 * deviation,
      }
    })
    offset += counts.length
    const sampling = (level: Level) => Math.sqrt(deviation ** 2 + (level.sample * (1 - level.sample)) / sample.rows)
    return {
      column: column.name,
      kind: column.kind,
      deviation,
      inside: levels.filter(isInside).length,
      insideWithSampling: levels.filter((level) => Math.abs(level.sample - level.released) <= z95 * sampling(level))
        .length,
      distance: distance(levels, (level) => Math.abs(level.sample - level.released)),
      // The mean of |normal| is sqrt(2 / pi) deviations.
      noise_distance: Math.min(
        1,
        distance(levels, () => deviation * Math.sqrt(2 / Math.PI)),
      ),
      cohort_distance: distance(levels, (level) => Math.abs(level.cohort - level.sample)),
      levels,
    }
  })
  const noiseDistance = mean(columns.map((column) => column.noise_distance))
  return {
    sample_rows: sample.rows,
    noise_units: noise.units,
    cells: offset,
    inside: sum(columns.map(({ inside }) => inside)),
    inside_with_sampling: sum(columns.map(({ insideWithSampling }) => insideWithSampling)),
    mean_distance: mean(columns.map((column) => column.distance)),
    mean_noise_distance: noiseDistance,
    notes: [
      'Bars are the released marginals: sums of all hospitals with noise, made consistent afterwards by norm-sub (one amount off all levels of a column, cut at zero, so that shares add up to 100 %).',
      'Error bars are 95 % of the privacy noise alone: 1.96 deviations, derived from the plan. They hold no error from whom the hospitals happened to see, and for levels that norm-sub cut at zero they are a guide.',
      ...(noiseDistance > wideNoise
        ? [
            `Here the error bars are wide: the noise alone moves a column by ${(100 * noiseDistance).toPrecision(2)} % on average. To lie inside them says little about how true the generator is.`,
          ]
        : []),
      'There is no bar of real patients: none was bought, and a look at them would cost privacy.',
    ],
    columns: columns.map(({ insideWithSampling: _, ...column }) => column),
  }
}
