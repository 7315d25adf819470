import type { SiteId } from '@tributary/shared/ids'
import type { Dispute } from './dispute.ts'

/**
 * Holders of one study whose word on deals is worth nothing any more, by name: `disputes` are that study's, `colluders` its c. Two
 * ways lead here, and no honest holder goes either while at most c sites collude:
 *
 * 1. A verdict `lied`: a proof by its own signatures, whoever the dealer is (shared/he/deal-verdict).
 * 2. `contradicts` or `silent` against more than max(c, 1) different dealers whose opened deals are sound. Each such finding says
 *    that dealer or holder is wrong, an honest holder never complaining of an honest dealer's deal; and more dealers than may
 *    collude cannot all be wrong. At least two, since one word against one decides nothing, also where c is 0.
 *
 * Such a holder is not listened to when deals are sifted, and not waited for: it could spoil every attempt alone. It deals,
 * contributes and answers as before (R24). Cost O(findings).
 */
export const distrusted = (
  disputes: readonly Pick<Dispute, 'dealer' | 'verdict'>[],
  colluders: number,
): readonly SiteId[] => {
  const proven = new Set<SiteId>()
  const against = new Map<SiteId, Set<SiteId>>()
  for (const { dealer, verdict } of disputes) {
    if (verdict?.dealer !== 'sound') continue
    for (const { site, finding } of verdict.holders) {
      if (finding === 'lied') proven.add(site)
      else against.set(site, (against.get(site) ?? new Set()).add(dealer))
    }
  }
  const most = Math.max(colluders, 1)
  const outnumbered = [...against].filter(([, dealers]) => dealers.size > most).map(([site]) => site)
  return [...new Set([...proven, ...outnumbered])].toSorted()
}
