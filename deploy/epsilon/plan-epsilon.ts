import { epsilonPld, type Phase, priceOf } from '@tributary/shared/dp/accountant'
import { gaussianEpsilon } from '@tributary/shared/dp/gaussian'
import { odds } from '@tributary/shared/dp/odds'
import { mergePhases, priced } from '@tributary/shared/dp/phase'
import { type Delta, noiseMultiplier } from '@tributary/shared/units'

/** How sure somebody is of a fact about one patient, before the release and at most after it. */
export interface Belief {
  readonly before: number
  readonly after: number
}

/** What a plan costs a patient who counts `times` times in it, each time drawn by its own coin and clipped by itself. */
export interface Repeated {
  readonly times: number
  readonly epsilon: number
}

/** What `npm run epsilon` says about a plan; --json prints it as it is. Every epsilon is an upper bound at `delta`. */
export interface PlanEpsilon {
  readonly pld: { readonly epsilon: number }
  readonly rdp: { readonly epsilon: number; readonly order: number }
  /** Where nothing is sampled: the closed form, which is exact. */
  readonly gaussian?: { readonly epsilon: number }
  readonly delta: number
  readonly neighbours: 'add or remove one unit'
  readonly phases: readonly {
    readonly sigma: number
    readonly q: number
    readonly steps: number
    readonly records: number
  }[]
  readonly odds: readonly Belief[]
  /** Rows of one patient where rows are drawn one by one (`unit: row`); none where the phases count them already. */
  readonly visits: readonly Repeated[]
  /** Hospitals of one study that all hold this patient. */
  readonly hospitals: readonly Repeated[]
}

const priors = [0.01, 0.1, 0.5, 0.9]
const visitCounts = [2, 4, 8]
const hospitalCounts = [2, 3, 5]

const recordsOf = ({ recordsPerUnit }: Phase): number => recordsPerUnit ?? 1

/** All beliefs that the words show, weakest first. */
const beliefs = (epsilon: number): readonly Belief[] =>
  priors.map((before) => ({ before, after: odds(epsilon, before) }))

/**
 * Prices a plan and what repetition of one patient does to it. A patient in k hospitals, or with k rows, moves each sum by a
 * Binomial(k, q) number of clipped vectors: the same mixture, hence one group PLD serves both (R9). Cost: about six PLDs.
 */
export const planEpsilon = (phases: readonly Phase[], delta: Delta): PlanEpsilon => {
  const { pld, rdp } = priceOf(phases, delta)
  const most = Math.max(...phases.map(recordsOf))
  const least = Math.min(...phases.map((phase) => phase.noiseMultiplier / recordsOf(phase)))
  const known = new Map<number, number>()
  const repeated = (counts: readonly number[]): readonly Repeated[] =>
    counts
      .filter((times) => times * most <= priced.records[1] && least / times >= priced.sigmaPerRecord[0])
      .map((times) => {
        const grouped = phases.map((phase) => ({ ...phase, recordsPerUnit: times * recordsOf(phase) }))
        const epsilon = known.get(times) ?? epsilonPld(grouped, delta)
        known.set(times, epsilon)
        return { times, epsilon }
      })
  const [only, ...others] = mergePhases(phases)
  const isUnsampled = only !== undefined && others.length === 0 && only.rate === 1
  return {
    pld: { epsilon: pld },
    rdp,
    ...(isUnsampled && { gaussian: { epsilon: gaussianEpsilon(noiseMultiplier(only.sigma), delta) } }),
    delta,
    neighbours: 'add or remove one unit',
    phases: phases.map((phase) => ({
      sigma: phase.noiseMultiplier,
      q: phase.samplingRate,
      steps: phase.steps,
      records: recordsOf(phase),
    })),
    odds: beliefs(pld),
    visits: most === 1 ? repeated(visitCounts) : [],
    hospitals: repeated(hospitalCounts),
  }
}
