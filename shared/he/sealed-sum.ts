import { CodedError } from '../errors.ts'
import { openFrame } from './frame.ts'
import { addInto } from './residues.ts'
import type { Ring } from './ring.ts'
import { blockCount, checkLayout, type SlotLayout } from './slots.ts'

/** The sum of sealed vectors, added as they arrive. Memory: one vector, however many are added. */
export class SealedSum {
  readonly layout: SlotLayout
  readonly #ring: Ring
  readonly #blocks: number
  #sum: BigUint64Array
  #contributors = 0
  #disposed = false

  private constructor(ring: Ring, layout: SlotLayout) {
    this.layout = layout
    this.#ring = ring
    this.#blocks = blockCount(ring, layout)
    this.#sum = new BigUint64Array(this.#blocks * ring.degree)
  }

  /** An empty sum. Throws `PLAN_REFUSED` for a layout whose sums could not open exactly. */
  static create(ring: Ring, layout: SlotLayout): SealedSum {
    checkLayout(ring.q, layout)
    return new SealedSum(ring, layout)
  }

  /** How many vectors were added. */
  get contributors(): number {
    return this.#contributors
  }

  /** Adds one frame, or throws `FRAME_INVALID` and leaves the sum as it was. `AGGREGATE_INVALID` beyond the layout's most. */
  add(frame: Uint8Array): void {
    this.#refuseDisposed()
    if (this.#contributors === this.layout.contributors) {
      throw new CodedError('AGGREGATE_INVALID', `at most ${this.layout.contributors} contributions add up exactly`)
    }
    addInto(this.#ring.q, this.#sum, openFrame(this.#ring, frame, this.#blocks))
    this.#contributors++
  }

  /** The residues of block `block`, to be read only. */
  block(block: number): BigUint64Array {
    this.#refuseDisposed()
    return this.#sum.subarray(block * this.#ring.degree, (block + 1) * this.#ring.degree)
  }

  dispose(): void {
    this.#disposed = true
    this.#sum = new BigUint64Array(0)
  }

  #refuseDisposed(): void {
    if (this.#disposed) throw new CodedError('INTERNAL', 'this sum was disposed of')
  }
}
