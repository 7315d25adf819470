import type { BoxContext } from '@tributary/shared/he/box'
import type { SealContext } from '@tributary/shared/he/public-polynomial'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { RoundId, SiteId } from '@tributary/shared/ids'

/** Who gets a share, in the order of the study's holders. */
export interface ShareHolder {
  readonly site: SiteId
  /** Its place among the holders, from 1: where the polynomial is evaluated. */
  readonly index: number
  /** Its public box key for the epoch (1,216 bytes); undefined where it brought none. */
  readonly key: Uint8Array | undefined
}

export interface DealOrder {
  readonly round: RoundId
  /** Shares that rebuild the key. */
  readonly threshold: number
  readonly context: Omit<BoxContext, 'to'>
  readonly holders: readonly ShareHolder[]
}

export interface DealtBoxes {
  /** One for each holder, in their order; a box to a holder without a usable key is sealed to a key that is thrown away. */
  readonly boxes: Uint8Array[]
  /** The holders without a usable key. */
  readonly unreachable: SiteId[]
}

export interface SealOrder {
  readonly round: RoundId
  readonly context: SealContext
  readonly layout: SlotLayout
  /** Noised integers, `layout.dimension` of them; handed over: whoever gave them finds zeros or nothing afterwards. */
  readonly values: Float64Array
}

/**
 * What is done with one-time keys. They are made, dealt, used and erased behind this and come out of it only in boxes, or, for a
 * dispute, as the keys of a deal that can no longer be used (R24). A key seals once (R3); none outlives the program.
 */
export interface Sealing {
  /**
   * A fresh key for `round`, in shares. Throws `ROUND_REFUSED` while a key of that round is held, `BOX_INVALID` where fewer holders
   * than the threshold are left. Cost: O(holders x threshold) of 32 KiB; nothing grows with the model.
   */
  deal(order: DealOrder): Promise<DealtBoxes>
  /**
   * The parts of the sealed vector. The key is erased whether or not that succeeds. Throws `ROUND_REFUSED` where the key is gone,
   * `PLAN_REFUSED` and `INTERNAL` as `sealVector`. About 1 ms for 12,288 values.
   */
  seal(order: SealOrder): Promise<Uint8Array[]>
  /**
   * The key (44 bytes) of each box of this round's deal, in the holders' order, to settle a dispute: the one-time key is erased
   * first, so nothing is ever sealed under it. Throws `ROUND_REFUSED` where the key is gone, sealed under or never made.
   */
  openDeal(round: RoundId): Promise<Uint8Array[]>
  /** Erases what is held for the round, if anything. */
  erase(round: RoundId): Promise<void>
  /** Lets go of every key; nothing can be asked any more. */
  close(): Promise<void>
}
