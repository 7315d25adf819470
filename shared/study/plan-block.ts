import type { Query } from '../dp/query.ts'
import { clipNorm, noiseMultiplier, samplingRate } from '../units.ts'
import type { Plan, PlannedQuery } from './study-schema.ts'

/** The plan block's queries as the rest of the code names them. Throws `UNIT_OUT_OF_RANGE`. */
export const queriesOf = (plan: Plan): Query[] =>
  plan.queries.map((query) => ({
    kind: query.kind,
    dimension: query.dimension,
    clipNorm: clipNorm(query.clip_norm),
    samplingRate: samplingRate(query.sampling_rate),
    noiseMultiplier: noiseMultiplier(query.noise_multiplier),
    divisor: query.divisor,
    steps: query.steps,
    attempts: query.attempts,
    grid: {
      step: query.grid.step,
      shareSteps: query.grid.share_steps,
      noiseBound: query.grid.noise_bound,
      clamp: query.grid.clamp,
      foldBits: query.grid.fold_bits,
      valuesPerCoefficient: query.grid.values_per_coefficient,
      slotBits: query.grid.slot_bits,
      scaleBits: query.grid.scale_bits,
    },
  }))

/** The inverse, as it stands in the file. */
export const plannedQuery = ({ grid, ...query }: Query): PlannedQuery => ({
  kind: query.kind,
  dimension: query.dimension,
  clip_norm: query.clipNorm,
  sampling_rate: query.samplingRate,
  noise_multiplier: query.noiseMultiplier,
  divisor: query.divisor,
  steps: query.steps,
  attempts: query.attempts,
  grid: {
    step: grid.step,
    share_steps: grid.shareSteps,
    noise_bound: grid.noiseBound,
    clamp: grid.clamp,
    fold_bits: grid.foldBits,
    values_per_coefficient: grid.valuesPerCoefficient,
    slot_bits: grid.slotBits,
    scale_bits: grid.scaleBits,
  },
})
