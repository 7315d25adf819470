import { asCodedError, CodedError } from '@tributary/shared/errors'
import { type BoxKeys, openBox } from '@tributary/shared/he/box'
import type { SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import type { Logger } from 'pino'
import { type ApprovedStudy, isHolder } from '../policy/approved-study.ts'
import type { BoxKeyRing } from '../policy/box-key-ring.ts'
import { isAsDealt, type OpenedDeal, readDeal, type SpoiltDeal, spoiltDeal } from '../policy/opened-deal.ts'
import type { AttemptFields } from '../policy/round-guard.ts'

/** One dealer's deal as this site received it. */
export interface ReceivedDeal {
  readonly opened: OpenedDeal
  /** This site's box; empty where it holds no shares. */
  readonly box: Uint8Array
  /** Whether that is the box the dealer signed; the dealer is not to blame for another. */
  readonly isAsDealt: boolean
  /** This site's share of the dealer's key; null where it holds none, or the box does not open. */
  readonly share: Uint8Array | null
}

/** What the deals of one attempt brought this site. */
export interface ReceivedDeals {
  /** By the dealers' names, one each. */
  readonly deals: readonly ReceivedDeal[]
  /** Deals that break a rule although their dealers signed them. */
  readonly spoilt: readonly SpoiltDeal[]
  /** False where something may arrive sound the next time: a deal that nobody signed, a box that is not the one dealt. */
  readonly isWhole: boolean
}

interface Reading {
  readonly parts: { readonly boxKeys: BoxKeyRing; readonly log: Logger }
  readonly approved: ApprovedStudy
  readonly expected: AttemptFields
  /** Null for a site that holds no shares. */
  readonly keys: BoxKeys | null
}

const received = (opened: OpenedDeal, box: Uint8Array, { parts, approved, expected, keys }: Reading): ReceivedDeal => {
  const { study, round, roster } = expected
  const { me } = approved
  const { dealer } = opened
  if (keys === null) return { opened, box, isAsDealt: true, share: null }
  if (!isAsDealt(opened, box, me)) {
    parts.log.warn({ round, dealer }, 'another box was handed over than the one dealt')
    return { opened, box, isAsDealt: false, share: null }
  }
  try {
    return { opened, box, isAsDealt: true, share: openBox(keys, { study, round, roster, from: dealer, to: me }, box) }
  } catch (thrown) {
    parts.log.warn({ round, dealer, code: asCodedError(thrown).code }, 'a box does not open')
    return { opened, box, isAsDealt: true, share: null }
  }
}

/**
 * Reads the deals of one attempt. A bad dealer spoils its own deal only (R24). Throws `BOX_INVALID` where this holder's keys of the
 * step's epoch are not here, `ROUND_REFUSED` for two deals of one dealer. Cost: O(sites) of 32 KiB.
 */
export const receiveDeals = (
  boxes: readonly DealtBox[],
  parts: { readonly boxKeys: BoxKeyRing; readonly log: Logger },
  approved: ApprovedStudy,
  expected: AttemptFields,
): ReceivedDeals => {
  const { study, step, round } = expected
  const keys = isHolder(approved) ? parts.boxKeys.privateKeys(study, epochOf(step)) : null
  const deals = new Map<SiteId, ReceivedDeal>()
  const spoilt: SpoiltDeal[] = []
  let isWhole = true
  for (const { deal: message, box } of boxes) {
    let opened: OpenedDeal
    try {
      opened = readDeal(message, approved, expected)
    } catch (thrown) {
      const bad = spoiltDeal(message, approved, expected)
      if (bad !== undefined) spoilt.push(bad)
      isWhole &&= bad !== undefined
      const { code, message: why } = asCodedError(thrown)
      parts.log.warn({ round, dealer: message.signer, code, why }, 'a deal was refused')
      continue
    }
    if (deals.has(opened.dealer)) throw new CodedError('ROUND_REFUSED', `${opened.dealer} dealt twice for this attempt`)
    const deal = received(opened, box, { parts, approved, expected, keys })
    isWhole &&= deal.isAsDealt
    deals.set(opened.dealer, deal)
  }
  const named = [...deals].sort(([a], [b]) => (a < b ? -1 : 1))
  return { deals: named.map(([, deal]) => deal), spoilt, isWhole }
}

/**
 * A site that was restored from a backup learns it from the deals of its peers that answer (R4), so it seals nothing before it has
 * read enough of them. Whoever opened a sum with this site in it had t = floor((m + c) / 2) + 1 of the m holders that saw the set
 * announced, at least t - c - 1 of them honest others; ceil((m + c) / 2) deals of other holders, c of them of colluders, include one
 * of those. Whatever the coordinator says of who dealt: only where the study has fewer other holders, all of them. A disputed deal
 * counts too, and one whose box does not open: what its dealer saw is signed all the same. So the holders that deal are one more
 * than this. With every site a holder, a study that may lose n - least <= (n - c) / 4 sites always has them; with a committee,
 * where m + c is odd and exactly t holders are left, the attempt is aborted, and nothing is charged. Throws `ROUND_REFUSED`.
 */
export const refuseTooFewPeers = (
  { deals }: Pick<ReceivedDeals, 'deals'>,
  { holders, me, manifest }: Pick<ApprovedStudy, 'holders' | 'me' | 'manifest'>,
): void => {
  const others = holders.filter((site) => site !== me)
  const wanted = Math.min(Math.ceil((holders.length + manifest.federation.colluders) / 2), others.length)
  const read = others.filter((site) => deals.some(({ opened }) => opened.dealer === site)).length
  if (read < wanted)
    throw new CodedError('ROUND_REFUSED', `sound deals of ${read} other holders arrived, not of ${wanted}`)
}
