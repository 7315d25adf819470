import { queryOfStep, totalSteps } from '@tributary/shared/dp/steps'
import { CodedError } from '@tributary/shared/errors'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { networkOfStudy } from '@tributary/shared/study/network'
import {
  applyGradient,
  applyMarginals,
  decodeState,
  encodeState,
  initialModel,
  parametersOf,
  type ReleasedModel,
  release,
  type TrainingState,
} from '@tributary/shared/synthesizers/autoregressive/apply'
import { encodeParameters } from '@tributary/shared/synthesizers/parameters'
import type { NoisySum } from '../aggregate/noisy-sum.ts'
import { decodeEvaluation, encodeEvaluation, type Evaluation, prepareEvaluation } from '../evaluation/evaluation.ts'

/** Before the bytes of a training that is being evaluated: format and length of the state; the evaluation follows it. */
const evaluated = /^tributary evaluated training 1 (\d{1,15})\n/

const kindOf = (step: number, manifest: Manifest) => {
  const queries = queriesOf(manifest.plan)
  const { query, within } = queryOfStep(queries, step)
  return { ...(queries[query] as (typeof queries)[number]), within }
}

/**
 * The shared synthesizer while it is trained, and then while it is evaluated: post-processing of noisy sums, free of privacy
 * cost. Immutable; equal inputs give equal bytes, so that a step repeated after a crash changes nothing.
 */
export class Training {
  readonly #state: TrainingState
  readonly #evaluation: Evaluation | null

  private constructor(state: TrainingState, evaluation: Evaluation | null = null) {
    this.#state = state
    this.#evaluation = evaluation
  }

  /** `seed` draws the initial weights: public. */
  static initial(manifest: Manifest, seed: number): Training {
    return new Training(initialModel(networkOfStudy(manifest), seed))
  }

  static decode(bytes: Uint8Array): Training {
    const [line, length] = evaluated.exec(Buffer.from(bytes.subarray(0, 64)).toString('latin1')) ?? []
    if (line === undefined) return new Training(decodeState(bytes))
    const end = line.length + Number(length)
    return new Training(decodeState(bytes.subarray(line.length, end)), decodeEvaluation(bytes.subarray(end)))
  }

  encode(): Uint8Array {
    const state = encodeState(this.#state)
    if (this.#evaluation === null) return state
    const line = Buffer.from(`tributary evaluated training 1 ${state.length}\n`, 'latin1')
    return new Uint8Array(Buffer.concat([line, state, encodeEvaluation(this.#evaluation)]))
  }

  /** What every site must see before it contributes: the weights, or for scores the scorer, as float32, little-endian. */
  parameters(step: number, manifest: Manifest): Uint8Array {
    if (kindOf(step, manifest).kind !== 'scores') return encodeParameters(parametersOf(this.#state))
    return encodeParameters(this.#prepared().parameters)
  }

  /**
   * The training as `step` needs it: with the scorer of what has been trained where the step asks for scores, else unchanged; also
   * after the last step. Cost: that of `prepareEvaluation`, once.
   */
  async readyFor(step: number, manifest: Manifest): Promise<Training> {
    const shape = scoreShapeOf(manifest)
    if (shape === null || this.#evaluation !== null || step >= totalSteps(queriesOf(manifest.plan))) return this
    if (kindOf(step, manifest).kind !== 'scores') return this
    return new Training(this.#state, await prepareEvaluation(shape, this.release()))
  }

  /** The training after `step` of the plan has opened. Throws `AGGREGATE_INVALID` for a sum that does not fit. */
  after(step: number, sum: NoisySum, manifest: Manifest): Training {
    const { kind, divisor, steps, dimension, within } = kindOf(step, manifest)
    switch (kind) {
      case 'marginals':
        return new Training(applyMarginals(this.#state, sum.values, divisor))
      case 'gradient':
        return new Training(applyGradient(this.#state, sum.values, divisor, within + 1, steps))
      case 'scores':
        if (sum.values.length !== dimension)
          throw new CodedError('AGGREGATE_INVALID', 'the scores do not have the length of the plan')
        return new Training(this.#state, { ...this.#prepared(), heldOut: sum.values.slice() })
    }
  }

  release(): ReleasedModel {
    return release(this.#state)
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
