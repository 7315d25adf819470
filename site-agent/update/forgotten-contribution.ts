import type { Ledger, Restored } from '../ledger/ledger.ts'
import type { PeerCounters } from '../policy/peer-counters.ts'
import type { OpenedDeal } from '../policy/round-guard.ts'
import type { Outbox } from './outbox.ts'

interface Stores {
  readonly ledger: Pick<Ledger, 'knows'>
  readonly counters: Pick<PeerCounters, 'own'>
  readonly outbox: Pick<Outbox, 'statement'>
}

/**
 * The first contribution, signed by this very site and shown in a peer's deal, that its ledger or its `volatile/` does not know:
 * the site came back from a backup, or a copy of it is at work (R4). A peer cannot make one up, only keep it to itself.
 */
export const forgottenContribution = (
  deals: readonly OpenedDeal[],
  { ledger, counters, outbox }: Stores,
): Restored | null => {
  for (const { dealer, own } of deals) {
    if (own === null) continue
    const { study, round, step, attempt, charged, counter } = own.contribution
    const stored = outbox.statement(round)
    const isSame = stored === 'pruned' || (stored !== undefined && Buffer.compare(stored.body, own.body) === 0)
    const isCharged = ledger.knows({ study, round, charged })
    if (isCharged && isSame && counter <= counters.own()) continue
    const isVolatileLost = !isSame || counter > counters.own()
    const lost = isCharged ? 'volatile' : isVolatileLost ? 'both' : 'ledger'
    return { study, peer: dealer, round, step, attempt, charged, counter, lost }
  }
  return null
}
