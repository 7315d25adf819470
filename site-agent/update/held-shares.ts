import type { Digest, RoundId } from '@tributary/shared/ids'

interface Held {
  readonly step: number
  readonly attempt: number
  /** By the hash of the deal. */
  readonly shares: Map<Digest, Uint8Array>
  /** False when a box was refused that may arrive sound the next time. */
  readonly isWhole: boolean
}

/** A site's opened key shares, in memory only, by round; overwritten with zeros when let go, as far as the runtime allows. */
export class HeldShares {
  readonly #rounds = new Map<RoundId, Held>()

  /** Undefined also where the boxes should be fetched again. */
  get(round: RoundId): Map<Digest, Uint8Array> | undefined {
    const held = this.#rounds.get(round)
    return held?.isWhole === true ? held.shares : undefined
  }

  put(round: RoundId, held: Held): void {
    this.erase(round)
    this.#rounds.set(round, held)
  }

  erase(round: RoundId): void {
    for (const share of this.#rounds.get(round)?.shares.values() ?? []) share.fill(0)
    this.#rounds.delete(round)
  }

  /** Lets go of the attempts of which `isOver`. */
  eraseWhere(isOver: (held: Pick<Held, 'step' | 'attempt'>) => boolean): void {
    for (const [round, held] of this.#rounds) if (isOver(held)) this.erase(round)
  }
}
