import { levelName } from '@tributary/shared/schema/column'
import type { CohortTally } from './cohort-tally.ts'
import { type MarginalNoise, z95 } from './noise-of-marginals.ts'
import type { RunFacts } from './participation.ts'
import type { Report } from './report-schema.ts'

type Fidelity = Report['fidelity']
type Level = Fidelity['columns'][number]['levels'][number]

/** Mean distance by noise alone above which agreement with the release is no evidence any more. */
const wideNoise = 0.02

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length
const distance = (levels: readonly Level[], of: (level: Level) => number): number => sum(levels.map(of)) / 2

interface Compared {
  readonly inside: number
  readonly insideWithSampling: number
  /** Total variation. */
  readonly distance: number
}

/** One set of unconditional rows against the released shares of a column. */
const compared = (
  levels: readonly Level[],
  of: (level: Level) => number,
  deviation: number,
  rows: number,
): Compared => {
  const widened = (share: number) => z95 * Math.sqrt(deviation ** 2 + (share * (1 - share)) / rows)
  return {
    inside: levels.filter((level) => of(level) >= level.low && of(level) <= level.high).length,
    insideWithSampling: levels.filter((level) => Math.abs(of(level) - level.released) <= widened(of(level))).length,
    distance: distance(levels, (level) => Math.abs(of(level) - level.released)),
  }
}

/** What was counted of synthetic rows. */
interface Counted {
  readonly cohort: CohortTally
  /** Unconditional rows, raked to the released marginals as every unconditional cohort is. */
  readonly sample: CohortTally
  /** Unconditional rows as the network draws them, not raked. */
  readonly network: CohortTally
  /** What the raked sample is worth, in rows. */
  readonly sampleEffectiveRows: number
  readonly run: Pick<RunFacts, 'training'>
}

/**
 * The generator against the noisy released marginals, the only real aggregates there are: never against patients. The raked sample
 * agrees by construction; what training made of the marginals shows in the network's own rows alone. `released` in the layout's
 * order. Distances are total variation. Cost: O(cells).
 */
export const fidelityOf = (released: Float64Array, noise: MarginalNoise, counted: Counted): Fidelity => {
  const { sample, network, cohort, sampleEffectiveRows, run } = counted
  let offset = 0
  const columns = sample.columns.map((column, j) => {
    const counts = sample.counts(j)
    const networkCounts = network.counts(j)
    const cohortCounts = cohort.counts(j)
    const deviation = noise.share(counts.length)
    const levels = Array.from(counts, (count, code): Level => {
      const share = released[offset + code]!
      return {
        level: levelName(column, code),
        released: share,
        low: Math.max(0, share - z95 * deviation),
        high: Math.min(1, share + z95 * deviation),
        network: networkCounts[code]! / network.rows,
        sample: count / sample.rows,
        cohort: cohortCounts[code]! / cohort.rows,
        like_zero: share < z95 * deviation,
      }
    })
    offset += counts.length
    return {
      column,
      deviation,
      levels,
      own: compared(levels, (level) => level.network, deviation, network.rows),
      raked: compared(levels, (level) => level.sample, deviation, sample.rows),
      // The mean of |normal| is sqrt(2 / pi) deviations.
      noiseDistance: Math.min(
        1,
        distance(levels, () => deviation * Math.sqrt(2 / Math.PI)),
      ),
    }
  })
  const noiseDistance = mean(columns.map((column) => column.noiseDistance))
  return {
    sample_rows: sample.rows,
    noise_units: noise.units,
    cells: offset,
    network_inside: sum(columns.map(({ own }) => own.inside)),
    network_inside_with_sampling: sum(columns.map(({ own }) => own.insideWithSampling)),
    network_mean_distance: mean(columns.map(({ own }) => own.distance)),
    raking_effective_share: Math.min(1, sampleEffectiveRows / sample.rows),
    inside: sum(columns.map(({ raked }) => raked.inside)),
    inside_with_sampling: sum(columns.map(({ raked }) => raked.insideWithSampling)),
    mean_distance: mean(columns.map(({ raked }) => raked.distance)),
    mean_noise_distance: noiseDistance,
    notes: notesOf(noiseDistance, run.training),
    columns: columns.map(({ column, deviation, levels, own, raked, ...found }) => ({
      column: column.name,
      kind: column.kind,
      deviation,
      network_inside: own.inside,
      network_distance: own.distance,
      inside: raked.inside,
      distance: raked.distance,
      noise_distance: found.noiseDistance,
      cohort_distance: distance(levels, (level) => Math.abs(level.cohort - level.sample)),
      levels,
    })),
  }
}

const notesOf = (noiseDistance: number, training: RunFacts['training']): string[] => [
  ...(training === undefined
    ? []
    : [
        training.is_sound
          ? `While it was trained the generator's own samples were watched: ${training.words}.`
          : `Warning: the generator went wrong while it was trained, by its own samples: ${training.words}.`,
      ]),
  'Bars are the released marginals: sums of all hospitals with noise, made consistent afterwards, so that shares add up to 100 %: numbers, dates and ordered levels are smoothed and shared out by halves, other levels by norm-sub (one amount off all levels of a column, cut at zero).',
  'Dots are raked to these: this tests the raking, not the generator. Unconditional rows are weighted and drawn again until their shares follow the released marginals, so that agreement is by construction.',
  "Crosses are the generator's own rows, before any raking. It was made from these same marginals, so that agreement here says that training did not lose them; it is no evidence about patients either. Relations between columns are not tested by any of this.",
  'Error bars are 95 % of the privacy noise alone: 1.96 deviations, derived from the plan. They hold no error from whom the hospitals happened to see, and for levels that were smoothed or cut at zero they are a guide.',
  ...(noiseDistance > wideNoise
    ? [
        `Here the error bars are wide: the noise alone moves a column by ${(100 * noiseDistance).toPrecision(2)} % on average. To lie inside them says little about how true the generator is.`,
      ]
    : []),
  'There is no bar of real patients: none was bought, and a look at them would cost privacy.',
]
