import { queryOfStep } from '@tributary/shared/dp/steps'
import { queriesOf } from '@tributary/shared/study/plan-block'
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

/**
 * The shared synthesizer while it is trained: post-processing of noisy sums, free of privacy cost. Immutable; equal inputs
 * give equal bytes, so that a step repeated after a crash changes nothing.
 */
export class Training {
  readonly #state: TrainingState

  private constructor(state: TrainingState) {
    this.#state = state
  }

  /** `seed` draws the initial weights: public. */
  static initial(manifest: Manifest, seed: number): Training {
    return new Training(initialModel(networkOfStudy(manifest), seed))
  }

  static decode(bytes: Uint8Array): Training {
    return new Training(decodeState(bytes))
  }

  encode(): Uint8Array {
    return encodeState(this.#state)
  }

  /** What every site must see before it contributes: the weights as float32, little-endian. */
  parameters(): Uint8Array {
    return encodeParameters(parametersOf(this.#state))
  }

  /** The training after `step` of the plan has opened. Throws `AGGREGATE_INVALID` for a sum that does not fit. */
  after(step: number, sum: NoisySum, manifest: Manifest): Training {
    const queries = queriesOf(manifest.plan)
    const { query, within } = queryOfStep(queries, step)
    const { kind, divisor, steps } = queries[query] as (typeof queries)[number]
    switch (kind) {
      case 'marginals':
        return new Training(applyMarginals(this.#state, sum.values, divisor))
      case 'gradient':
        return new Training(applyGradient(this.#state, sum.values, divisor, within + 1, steps))
    }
  }

  release(): ReleasedModel {
    return release(this.#state)
  }
}
