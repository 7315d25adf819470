import { type BoxContext, newBoxKeys, sealBox } from '@tributary/shared/he/box'
import type { Ring } from '@tributary/shared/he/ring'
import { sealVector } from '@tributary/shared/he/sealed-vector'
import { dealShares } from '@tributary/shared/he/shamir'
import { newSiteKey, type SiteKey } from '@tributary/shared/he/site-key'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import type { RandomStreams } from '@tributary/shared/ports'
import type { DealOrder, DealtBoxes, Sealing, SealOrder, ShareHolder } from './sealing.ts'

interface HeldKey {
  readonly key: SiteKey
  /** Of the boxes it was dealt in, in the holders' order. */
  readonly boxKeys: readonly Uint8Array[]
}

/** Undefined where the holder's box key is none. */
const sealedTo = ({ key, site }: ShareHolder, context: Omit<BoxContext, 'to'>, share: Uint8Array) => {
  if (key === undefined) return undefined
  try {
    return sealBox(key, { ...context, to: site }, share)
  } catch (thrown) {
    if (asCodedError(thrown).code !== 'BOX_INVALID') throw thrown
    return undefined
  }
}

const refuseOtherRound = (round: RoundId, context: { readonly round: RoundId }): void => {
  if (context.round !== round) throw new CodedError('ROUND_REFUSED', 'a context of another round (R2)')
}

/**
 * Does the work of `Sealing` in the thread that it is made in. Memory: one key of 32 KiB for each round dealt for and neither sealed
 * nor erased. Overwriting is best effort: the runtime may have moved the memory before.
 */
export class SealingWork implements Sealing {
  readonly #ring: Ring
  readonly #streams: () => RandomStreams
  readonly #keys = new Map<RoundId, HeldKey>()

  /** `streams`: a new operating-system key per attempt and purpose (R16). */
  constructor(ring: Ring, streams: () => RandomStreams) {
    this.#ring = ring
    this.#streams = streams
  }

  async deal({ round, threshold, context, holders }: DealOrder): Promise<DealtBoxes> {
    refuseOtherRound(round, context)
    if (this.#keys.has(round)) throw new CodedError('ROUND_REFUSED', 'this round was dealt for already')
    const random = this.#streams()('key')
    const key = newSiteKey(this.#ring, random)
    const boxKeys: Uint8Array[] = []
    const unreachable: SiteId[] = []
    const places = holders.map(({ index }) => index)
    let shares: Uint8Array[] = []
    try {
      shares = dealShares(this.#ring, key, threshold, places, random)
      const boxes = holders.map((holder, i) => {
        const share = shares[i] as Uint8Array
        const sealed = sealedTo(holder, context, share)
        if (sealed === undefined) unreachable.push(holder.site)
        const { box, key: boxKey } = sealed ?? sealBox(newBoxKeys().publicKey, { ...context, to: holder.site }, share)
        boxKeys.push(boxKey)
        return box
      })
      if (holders.length - unreachable.length < threshold)
        throw new CodedError('BOX_INVALID', `the box keys of ${unreachable.join(', ')} are not usable`)
      this.#keys.set(round, { key, boxKeys })
      return { boxes, unreachable }
    } finally {
      for (const share of shares) share.fill(0)
      if (!this.#keys.has(round)) eraseHeld({ key, boxKeys })
    }
  }

  async seal({ round, context, layout, values }: SealOrder): Promise<Uint8Array[]> {
    let held: HeldKey | undefined
    try {
      held = this.#take(round)
      refuseOtherRound(round, context)
      return sealVector(this.#ring, held.key, context, layout, values)
    } finally {
      values.fill(0)
      if (held !== undefined) eraseHeld(held)
    }
  }

  async openDeal(round: RoundId): Promise<Uint8Array[]> {
    const { key, boxKeys } = this.#take(round)
    key.erase()
    return [...boxKeys]
  }

  async erase(round: RoundId): Promise<void> {
    const held = this.#keys.get(round)
    this.#keys.delete(round)
    if (held !== undefined) eraseHeld(held)
  }

  async close(): Promise<void> {
    for (const held of this.#keys.values()) eraseHeld(held)
    this.#keys.clear()
  }

  /** Whatever follows, nobody finds this key again (R3). */
  #take(round: RoundId): HeldKey {
    const held = this.#keys.get(round)
    if (held === undefined) throw new CodedError('ROUND_REFUSED', 'the one-time key is gone')
    this.#keys.delete(round)
    return held
  }
}

const eraseHeld = ({ key, boxKeys }: HeldKey): void => {
  key.erase()
  for (const boxKey of boxKeys) boxKey.fill(0)
}
