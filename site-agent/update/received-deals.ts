import { asCodedError, CodedError } from '@tributary/shared/errors'
import { openBox } from '@tributary/shared/he/box'
import type { Digest, SiteId } from '@tributary/shared/ids'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import type { Logger } from 'pino'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import type { BoxKeyRing } from '../policy/box-key-ring.ts'
import { type AttemptFields, type OpenedDeal, openDeal, ownEpoch } from '../policy/round-guard.ts'

/** What the deals of one attempt brought this site. */
export interface ReceivedDeals {
  /** This site's share of every dealer's key, by the hash of the deal. */
  readonly shares: Map<Digest, Uint8Array>
  /** The other sites' deals that were read, whether or not their boxes open. */
  readonly peers: readonly OpenedDeal[]
  /** Deals or boxes that were not sound. */
  readonly refused: number
}

/** A bad dealer spoils its own deal only: this site refuses to answer if that deal is in U (R24). Cost: O(sites) of 32 KiB. */
export const receiveDeals = (
  received: readonly DealtBox[],
  parts: { readonly boxKeys: BoxKeyRing; readonly log: Logger },
  approved: ApprovedStudy,
  expected: AttemptFields,
): ReceivedDeals => {
  const { study, round, roster } = expected
  const shares = new Map<Digest, Uint8Array>()
  const peers = new Map<SiteId, OpenedDeal>()
  let refused = 0
  for (const { deal: message, box } of received) {
    try {
      const opened = openDeal(message, approved, expected)
      const { dealer, deal } = opened
      if (dealer !== approved.me) peers.set(dealer, opened)
      const keys = parts.boxKeys.privateKeys(study, ownEpoch(opened, box, approved.me))
      shares.set(deal, openBox(keys, { study, round, roster, from: dealer, to: approved.me }, box))
    } catch (thrown) {
      refused++
      const { code, message: why } = asCodedError(thrown)
      parts.log.warn({ round, dealer: message.signer, code, why }, 'a box was refused')
    }
  }
  return { shares, peers: [...peers.values()], refused }
}

/**
 * A site that was restored from a backup learns it from its peers' deals (R4), so it seals nothing before it has read enough of
 * them. Whoever opened a sum with this site in it had t = floor((n + c) / 2) + 1 sites that saw the set announced, at least t - c -
 * 1 of them honest others; ceil((n + c) / 2) deals of others, c of them of colluders, include one of those. Fewer where fewer
 * dealt: all of them. Throws `ROUND_REFUSED`.
 */
export const refuseTooFewPeers = ({ peers }: ReceivedDeals, approved: ApprovedStudy, dealers: number): void => {
  const { colluders } = approved.manifest.federation
  const wanted = Math.min(Math.ceil((approved.sites.length + colluders) / 2), dealers - 1)
  if (peers.length < wanted)
    throw new CodedError('ROUND_REFUSED', `sound deals of ${peers.length} other sites arrived, not of ${wanted}`)
}
