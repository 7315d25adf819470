import type { CohortQuality } from './cohort-quality.ts'

type Measure = 'tvd2Excess' | 'aucDifference' | 'tvd2' | 'auc'

/** What the mean of a measure over splits must keep. */
export interface Bound {
  readonly measure: Measure
  readonly atMost?: number
  readonly atLeast?: number
}

const row: readonly Bound[] = [
  { measure: 'tvd2Excess', atMost: 0.0035 },
  { measure: 'aucDifference', atLeast: -0.012 },
]

const patient: readonly Bound[] = [
  { measure: 'tvd2Excess', atMost: 0.005 },
  { measure: 'aucDifference', atLeast: -0.02 },
  { measure: 'tvd2', atMost: 0.022 },
  { measure: 'auc', atLeast: 0.655 },
]

/** Of the studies as shipped; any other study is measured and held to nothing. */
const bounds: Readonly<Record<string, readonly Bound[]>> = {
  'diabetes5-row': row,
  'diabetes5-patient': patient,
}

export const boundsOf = (study: string): readonly Bound[] => bounds[study] ?? []

export const boundText = ({ measure, atMost, atLeast }: Bound): string =>
  `${measure} ${atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`}`

/** The bounds that the mean over `results` breaks, in words; without results all are broken. */
export const broken = (bounds: readonly Bound[], results: readonly Pick<CohortQuality, Measure>[]): string[] =>
  bounds.flatMap((bound) => {
    const { measure, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = bound
    const mean = results.reduce((sum, result) => sum + result[measure], 0) / results.length
    return mean <= atMost && mean >= atLeast ? [] : [`${mean.toFixed(4)}, wanted ${boundText(bound)}`]
  })
