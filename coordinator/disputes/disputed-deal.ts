import type { DisputedDeal } from '@tributary/shared/he/deal-verdict'
import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { openRoundBody } from '../rounds/round-messages.ts'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { Dispute } from './dispute.ts'
import type { DisputeStore } from './dispute-store.ts'

/** Where statements and boxes are read from: the coordinator's store, or a folder that was written of it. */
export type Evidence = Pick<DisputeStore, 'message' | 'messages' | 'boxes'>

/**
 * All that is known of a disputed deal, as a verdict reads it; every statement is opened again under the key of who signed it.
 * Throws `STATE_CORRUPT` where the deal or a box is missing, and as `openBody`.
 */
export const disputedDeal = (
  published: Omit<PublishedStudy, 'manifestHash' | 'seed'>,
  dispute: Pick<Dispute, 'round' | 'step' | 'attempt' | 'dealer'>,
  store: Evidence,
): DisputedDeal => {
  const { dealer } = dispute
  const holders = shareHolders(published.manifest, published.roster)
  const missing = (what: string): never => {
    throw new CodedError('STATE_CORRUPT', `${what} of the disputed deal of ${dealer} is missing`)
  }
  const message = store.message(dispute, 'deal', dealer) ?? missing('the statement')
  const deal = openRoundBody('deal', message, dealer, published, dispute)
  const boxes = store.boxes(dispute)
  const hash = hashBytes(message.body)
  const checks = new Map<SiteId, Uint8Array | null>()
  for (const { site, message: said } of store.messages(dispute, 'check')) {
    const mine = openRoundBody('check', said, site, published, dispute).checks.find((each) => each.site === dealer)
    if (mine !== undefined && mine.deal === hash) checks.set(site, mine.value)
  }
  const opening = store.message(dispute, 'deal-opening', dealer)
  const boxOpenings = new Map<SiteId, Uint8Array | null>()
  for (const { site, message: shown } of store.messages(dispute, 'box-opening'))
    boxOpenings.set(site, openRoundBody('box-opening', shown, site, published, dispute).key)
  return {
    context: { study: published.study, round: dispute.round, roster: published.rosterHash, from: dealer },
    threshold: published.manifest.plan.threshold,
    holders,
    dealer,
    deal,
    boxes: holders.map((holder) => boxes.get(holder) ?? missing(`the box to ${holder}`)),
    checks,
    opening: opening === undefined ? null : openRoundBody('deal-opening', opening, dealer, published, dispute).keys,
    boxOpenings,
  }
}
