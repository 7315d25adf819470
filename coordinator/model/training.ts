import { queryOfStep, totalSteps } from '@tributary/shared/dp/steps'
import { CodedError } from '@tributary/shared/errors'
import type { Generator } from '@tributary/shared/generator/generator'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { familyOf } from '@tributary/shared/synthesizers/families'
import type { FamilyTraining, TrainingHealth } from '@tributary/shared/synthesizers/family'
import { encodeParameters } from '@tributary/shared/synthesizers/parameters'
import type { NoisySum } from '../aggregate/noisy-sum.ts'
import { decodeEvaluation, encodeEvaluation, type Evaluation, prepareEvaluation } from '../evaluation/evaluation.ts'

/** Before the bytes of a training that is being evaluated: format and length of the state; the evaluation follows it. */
const evaluated = /^tributary evaluated training 1 (\d{1,15})\n/

const queryAt = (step: number, manifest: Manifest) => {
  const queries = queriesOf(manifest.plan)
  const { query: index, within } = queryOfStep(queries, step)
  return { ...(queries[index] as (typeof queries)[number]), index, within }
}

/** Steps of the plan that train: those of all queries but scores. */
export const trainingSteps = (manifest: Manifest): number =>
  totalSteps(queriesOf(manifest.plan).filter(({ kind }) => kind !== 'scores'))

/**
 * The shared synthesizer while it is trained, and then while it is evaluated: post-processing of noisy sums, free of privacy
 * cost. Immutable; equal inputs give equal bytes, so that a step repeated after a crash changes nothing.
 */
export class Training {
  readonly #state: FamilyTraining
  readonly #evaluation: Evaluation | null

  private constructor(state: FamilyTraining, evaluation: Evaluation | null = null) {
    this.#state = state
    this.#evaluation = evaluation
  }

  /** `seed` draws the initial weights: public. */
  static initial(manifest: Manifest, seed: number): Training {
    return new Training(familyOf(manifest.family.name).initial(manifest, seed))
  }

  static decode(manifest: Manifest, bytes: Uint8Array): Training {
    const stateOf = (of: Uint8Array) => familyOf(manifest.family.name).decodeTraining(manifest, of)
    const [line, length] = evaluated.exec(Buffer.from(bytes.subarray(0, 64)).toString('latin1')) ?? []
    if (line === undefined) return new Training(stateOf(bytes))
    const end = line.length + Number(length)
    return new Training(stateOf(bytes.subarray(line.length, end)), decodeEvaluation(bytes.subarray(end)))
  }

  encode(): Uint8Array {
    const state = this.#state.encode()
    if (this.#evaluation === null) return state
    const line = Buffer.from(`tributary evaluated training 1 ${state.length}\n`, 'latin1')
    return new Uint8Array(Buffer.concat([line, state, encodeEvaluation(this.#evaluation)]))
  }

  /** What every site must see before it contributes: what the family announces, or for scores the scorer, as float32, little-endian. */
  parameters(step: number, manifest: Manifest): Uint8Array {
    const { kind, index, within } = queryAt(step, manifest)
    if (kind !== 'scores') return encodeParameters(this.#state.announce({ index, within }))
    return encodeParameters(this.#prepared().parameters)
  }

  /**
   * The training as `step` needs it: with the scorer of what has been trained where the step asks for scores, else unchanged; also
   * after the last step. Cost: that of `prepareEvaluation`, once.
   */
  async readyFor(step: number, manifest: Manifest): Promise<Training> {
    const shape = scoreShapeOf(manifest)
    if (shape === null || this.#evaluation !== null || step >= totalSteps(queriesOf(manifest.plan))) return this
    if (queryAt(step, manifest).kind !== 'scores') return this
    return new Training(this.#state, await prepareEvaluation(shape, this.release()))
  }

  /**
   * The training after `step` of the plan has opened. A family is told the noise of the shares that came, and a sum without some of the
   * sites counts as one of all, in proportion to what they promised (R19). Throws `AGGREGATE_INVALID` for a sum that does not fit.
   */
  async after(step: number, sum: NoisySum, manifest: Manifest): Promise<Training> {
    const { kind, divisor, steps, dimension, index, within, noiseMultiplier, clipNorm } = queryAt(step, manifest)
    if (kind !== 'scores') {
      const { values, shares, part } = sum
      const noise = (noiseMultiplier * clipNorm * Math.sqrt(shares / manifest.federation.noise_shares)) / part
      const whole = part === 1 ? values : values.map((value) => value / part)
      return new Training(await this.#state.after({ index, within, steps, divisor, noise }, whole))
    }
    if (sum.values.length !== dimension)
      throw new CodedError('AGGREGATE_INVALID', 'the scores do not have the length of the plan')
    return new Training(this.#state, { ...this.#prepared(), heldOut: sum.values.slice() })
  }

  /** With whatever costs seconds done, once, after the last sum that trains: what is stored and released. */
  async finish(): Promise<Training> {
    return new Training(await this.#state.finish(), this.#evaluation)
  }

  /** Of a finished training. */
  release(): Generator {
    return this.#state.release()
  }

  /** What the family says of its training as it goes; null where it says nothing. */
  get health(): TrainingHealth | null {
    return this.#state.health?.() ?? null
  }

  /** Null before the training is over, and for a study that asks for none. */
  get evaluation(): Evaluation | null {
    return this.#evaluation
  }

  #prepared(): Evaluation {
    if (this.#evaluation === null) throw new CodedError('INTERNAL', 'the scorer was not prepared')
    return this.#evaluation
  }
}
