import type { RoundId } from '@tributary/shared/ids'
import type { Ledger, Restored } from '../ledger/ledger.ts'
import type { PeerCounters } from '../policy/peer-counters.ts'
import type { OpenedDeal } from '../policy/opened-deal.ts'
import type { Outbox } from './outbox.ts'

interface Stores {
  readonly ledger: Pick<Ledger, 'knows'>
  readonly counters: Pick<PeerCounters, 'own'>
  readonly outbox: Pick<Outbox, 'statement'>
}

/**
 * Every contribution, signed by this very site, to whatever study, and shown in a peer's deal, that its ledger or its `volatile/`
 * does not know: the site came back from a backup, or a copy of it is at work (R4). A peer cannot make one up, only keep it to
 * itself. Its counter goes over all studies, so the latest that anybody saw tells of a study that is forgotten altogether.
 */
export const forgottenContributions = (
  deals: readonly OpenedDeal[],
  { ledger, counters, outbox }: Stores,
): readonly Restored[] => {
  const forgotten = new Map<RoundId, Restored>()
  for (const { dealer, own } of deals)
    for (const { contribution, body } of own) {
      const { study, round, step, attempt, charged, counter } = contribution
      const stored = outbox.statement(round)
      const isSame = stored === 'pruned' || (stored !== undefined && Buffer.compare(stored.body, body) === 0)
      const isCharged = ledger.knows({ study, round, charged })
      if (isCharged && isSame && counter <= counters.own()) continue
      const isVolatileLost = !isSame || counter > counters.own()
      const lost = isCharged ? 'volatile' : isVolatileLost ? 'both' : 'ledger'
      if ((forgotten.get(round)?.charged ?? -1) < charged)
        forgotten.set(round, { study, peer: dealer, round, step, attempt, charged, counter, lost })
    }
  return [...forgotten.values()]
}
