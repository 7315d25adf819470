import type { Generator } from '../generator/generator.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import type { Engine } from '../tensor/engine.ts'
import type { ClipNorm } from '../units.ts'
import type { ClippedSum } from './clipped-sum.ts'

/** Public facts alone: what every side plans from. */
export type FamilyStudy = Pick<StudyDraft, 'columns' | 'family' | 'privacy' | 'sites' | 'evaluation'>

/** One kind of release that a family asks for; the planner adds noise, grid and divisor. Neighbours add or remove one unit. */
export interface FamilyQuery {
  /** marginals and pairs: the mean over all rows of every unit. gradient: one row of each unit drawn at `samplingRate`. */
  readonly kind: 'marginals' | 'pairs' | 'gradient'
  /** Length of the vector. */
  readonly dimension: number
  /** Largest L2 norm of one unit's vector. */
  readonly clipNorm: ClipNorm
  /**
   * Where units pull a coordinate the same way, as in a histogram: the most that one of them adds to it, so that sums are not
   * saturated. Left out: 0 for gradients, whose units point everywhere, 1 for marginals and pairs.
   */
  readonly reach?: number
  readonly samplingRate: number
  /** Releases wanted, and attempts reserved beyond them. */
  readonly steps: number
  readonly spares: number
  /** Part of the budget, in zCDP, that all its attempts together may cost; null for the last query, which takes what is left. */
  readonly share: number | null
  /** Float32 numbers that a site is shown before it contributes. */
  readonly announced: number
}

/**
 * Rows that a hospital drew, codes of the study's levels, row-major, padded to a public length (R10). `rowsPerUnit`: rows of each
 * drawn unit, one unit after the other from the first row; null: one each. `counts`: 1 where a row counts; null: the first `drawn`.
 */
export interface Batch {
  readonly cells: Uint16Array
  readonly drawn: number
  readonly rowsPerUnit: Uint32Array | null
  readonly counts: Uint8Array | null
}

/** Which release of a plan: query `index` of the family's, its release `within` (from 0) of `steps`. */
export interface FamilyStep {
  readonly index: number
  readonly within: number
  readonly steps: number
  /** The public constant that an estimate divides the sum by. */
  readonly divisor: number
  /** Standard deviation of the summed noise in one coordinate, in the units of the vector, with all noise shares that are in it. */
  readonly noise: number
}

/** What a training says of itself, for the operator: of its own samples and noisy releases alone, so free of privacy cost. */
export interface TrainingHealth {
  readonly isSound: boolean
  /** One line. */
  readonly words: string
}

/** The synthesizer while it is trained, at the coordinator: post-processing of noisy sums. Immutable; equal inputs, equal bytes. */
export interface FamilyTraining {
  /** What sites are shown before a release of query `index`: as many numbers as the query announces. */
  announce(step: Pick<FamilyStep, 'index' | 'within'>): Float32Array
  /** Throws `AGGREGATE_INVALID` on a sum of the wrong length or not finite. */
  after(step: FamilyStep, sum: Float64Array): Promise<FamilyTraining>
  /** Once, after the last sum: whatever costs seconds (a fit). Idempotent. */
  finish(): Promise<FamilyTraining>
  /** Of a finished training. */
  release(): Generator
  encode(): Uint8Array
  /** Null where there is nothing to say yet. Cost: milliseconds. */
  health?(): TrainingHealth | null
}

/** A synthesizer family: what it asks, what a hospital computes, what the coordinator makes of it. */
export interface Family {
  readonly name: StudyDraft['family']['name']
  /** What it will ask, in order, before any patient is read. Throws `ARGUMENT_INVALID` for settings that do not fit the table. */
  queries(study: FamilyStudy): readonly FamilyQuery[]
  /**
   * A hospital's part of query `index`. The announced numbers are checked at once: throws `ROUND_REFUSED` for a wrong length, one
   * that is not finite or not allowed, before any row is read (R14). The sum's cost follows the batch's length alone (R10).
   */
  clippedSum(study: FamilyStudy, index: number, announced: Float32Array, engine: Engine): (batch: Batch) => ClippedSum
  /** `seed`: public. */
  initial(study: FamilyStudy, seed: number): FamilyTraining
  /** Throws `STATE_CORRUPT`. */
  decodeTraining(study: FamilyStudy, bytes: Uint8Array): FamilyTraining
  /** Throws `STATE_CORRUPT`. */
  decodeGenerator(bytes: Uint8Array): Generator
}
