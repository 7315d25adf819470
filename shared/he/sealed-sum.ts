import { CodedError } from '../errors.ts'
import { type FrameRing, openFrame } from './frame.ts'
import { blocksOfPart, blocksPerPart } from './parts.ts'
import { addInto, subtractFrom } from './residues.ts'
import { blockCount, checkLayout, type SlotLayout } from './slots.ts'

/**
 * The sum of sealed vectors, part by part as they arrive, in any order. Memory: one vector, however many are added. Which parts
 * of whom are in it is for the caller to know; a sum of other parts does not open.
 */
export class SealedSum {
  readonly layout: SlotLayout
  readonly #ring: FrameRing
  readonly #blocks: number
  readonly #residues: BigUint64Array

  private constructor(ring: FrameRing, layout: SlotLayout, residues: BigUint64Array) {
    this.layout = layout
    this.#ring = ring
    this.#blocks = blockCount(ring, layout)
    this.#residues = residues
  }

  /** An empty sum. Throws `PLAN_REFUSED` for a layout whose sums could not open exactly. */
  static create(ring: FrameRing, layout: SlotLayout): SealedSum {
    checkLayout(ring.q, layout)
    return new SealedSum(ring, layout, new BigUint64Array(blockCount(ring, layout) * ring.degree))
  }

  /** A sum whose `residues()` came from another thread; they are kept, not copied. Throws `PLAN_REFUSED`, `INTERNAL`. */
  static from(ring: FrameRing, layout: SlotLayout, residues: BigUint64Array): SealedSum {
    checkLayout(ring.q, layout)
    const expected = blockCount(ring, layout) * ring.degree
    if (residues.length !== expected) {
      throw new CodedError('INTERNAL', `a sum of ${residues.length} residues where the plan has ${expected}`)
    }
    return new SealedSum(ring, layout, residues)
  }

  /** Adds part `part` of one vector, or throws `FRAME_INVALID` and leaves the sum as it was. */
  add(part: number, frame: Uint8Array): void {
    addInto(this.#ring.q, ...this.#opened(part, frame))
  }

  /** Takes away what `add` added. Throws as it does. */
  takeAway(part: number, frame: Uint8Array): void {
    subtractFrom(this.#ring.q, ...this.#opened(part, frame))
  }

  /** Every residue, block after block: the sum's own memory, so that it can be handed to another thread. */
  residues(): BigUint64Array {
    return this.#residues
  }

  #opened(part: number, frame: Uint8Array): [sum: BigUint64Array, term: BigUint64Array] {
    const term = openFrame(this.#ring, frame, blocksOfPart(this.#blocks, part))
    const start = part * blocksPerPart * this.#ring.degree
    if (this.#residues.length === 0) throw new CodedError('INTERNAL', 'this sum was handed over')
    return [this.#residues.subarray(start, start + term.length), term]
  }
}
