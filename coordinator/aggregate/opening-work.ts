import { openSum } from '@tributary/shared/he/open-sum'
import type { Ring } from '@tributary/shared/he/ring'
import { SealedSum } from '@tributary/shared/he/sealed-sum'
import { interpolateKey } from '@tributary/shared/he/shamir'
import type { OpenedSteps, Opening, OpenOrder } from './opening.ts'

/** Does the work of `Opening` in the thread that it is made in. Memory: one vector. */
export class OpeningWork implements Opening {
  readonly #ring: Ring

  constructor(ring: Ring) {
    this.#ring = ring
  }

  async open({ layout, sum, contributors, context, threshold, answers }: OpenOrder): Promise<OpenedSteps> {
    const sealed = SealedSum.from(this.#ring, layout, sum)
    const { key, suspects } = interpolateKey(this.#ring, answers, threshold)
    try {
      return { steps: openSum(this.#ring, key, sealed, contributors, context), suspects }
    } finally {
      key.erase()
    }
  }

  /** Nothing outlives a call. */
  async close(): Promise<void> {}
}
