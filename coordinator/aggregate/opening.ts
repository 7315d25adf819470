import type { SealContext } from '@tributary/shared/he/public-polynomial'
import type { SlotLayout } from '@tributary/shared/he/slots'

export interface OpenOrder {
  readonly layout: SlotLayout
  /** Residues of the sum of the contributors' sealed vectors; handed over: whoever gave them must not read them again. */
  readonly sum: BigUint64Array
  /** How many vectors were added. */
  readonly contributors: number
  readonly context: SealContext
  /** Answers that rebuild the sum of keys. */
  readonly threshold: number
  /** Sums of key shares, in frames, by the holder's place from 1. */
  readonly answers: readonly { readonly holder: number; readonly share: Uint8Array }[]
}

export interface OpenedSteps {
  /** The sum, in whole steps of the grid, `layout.dimension` of them. */
  readonly steps: Float64Array
  /** Holders whose answer disagreed with the others, where that can be told (never excluded by itself: R24). */
  readonly suspects: readonly number[]
}

/** Where the sum of keys is rebuilt and the sum of vectors opened: the one secret ring key that a coordinator ever sees. */
export interface Opening {
  /**
   * Throws `AGGREGATE_INVALID` where the answers are too few, disagree or do not open the sum, `FRAME_INVALID` and `ROUND_REFUSED`
   * for malformed ones, `PLAN_REFUSED` for a layout that could not open exactly. About 1 ms for 12,288 values.
   */
  open(order: OpenOrder): Promise<OpenedSteps>
  /** Lets go of everything; nothing can be asked any more. */
  close(): Promise<void>
}
