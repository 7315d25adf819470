import type { RoundId } from '@tributary/shared/ids'
import type { ReceivedDeal, ReceivedDeals } from './received-deals.ts'

interface Held extends ReceivedDeals {
  readonly step: number
  readonly attempt: number
}

const wiped = (deal: ReceivedDeal): ReceivedDeal => {
  deal.share?.fill(0)
  return { ...deal, share: null }
}

/**
 * The deals that a site received, with its key shares, in memory only, by round. Shares are overwritten with zeros when let go, as
 * far as the runtime allows; the boxes, which say nothing without the epoch's keys, stay for a dispute until the attempt is over.
 */
export class HeldDeals {
  readonly #rounds = new Map<RoundId, Held>()

  /** Undefined also where they should be fetched again. */
  get(round: RoundId): ReceivedDeals | undefined {
    const held = this.#rounds.get(round)
    return held?.isWhole === true ? held : undefined
  }

  /** Those deals of a round whose boxes are known, whatever became of the shares. */
  boxes(round: RoundId): readonly ReceivedDeal[] {
    return this.#rounds.get(round)?.deals ?? []
  }

  put(round: RoundId, held: Held): void {
    this.eraseShares(round)
    this.#rounds.set(round, held)
  }

  eraseShares(round: RoundId): void {
    const held = this.#rounds.get(round)
    if (held !== undefined) this.#rounds.set(round, { ...held, deals: held.deals.map(wiped), isWhole: false })
  }

  /** Lets go of the attempts of which `isOver`. */
  eraseWhere(isOver: (held: Pick<Held, 'step' | 'attempt'>) => boolean): void {
    for (const [round, held] of this.#rounds) {
      if (!isOver(held)) continue
      this.eraseShares(round)
      this.#rounds.delete(round)
    }
  }
}
