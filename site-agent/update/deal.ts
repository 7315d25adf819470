import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { memberOf } from '@tributary/shared/wire/roster'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import type { PeerStatement } from '../policy/peer-counters.ts'
import type { AttemptFields } from '../policy/round-guard.ts'
import type { StoredDeal } from './outbox.ts'
import type { Sealing } from './sealing.ts'

/**
 * The box keys of the study's holders for one epoch, each signed by its holder; a holder without any, or with those of another
 * epoch, is not in it. Throws `ROUND_REFUSED` for keys of another study and what `openBody` throws.
 */
export const openBoxKeys = (
  messages: readonly SignedMessage[],
  approved: ApprovedStudy,
  epoch: number,
): Map<SiteId, Uint8Array> => {
  const keys = new Map<SiteId, Uint8Array>()
  for (const site of approved.holders) {
    for (const message of messages.filter(({ signer }) => signer === site)) {
      const body = openBody('box-keys', message, memberOf(approved.roster, site))
      if (body.study !== approved.study)
        throw new CodedError('ROUND_REFUSED', `the box keys of ${site} are for another study`)
      if (body.epoch === epoch) keys.set(site, body.key)
    }
  }
  return keys
}

/** What a deal is made of besides the key. */
export interface DealFacts {
  readonly boxKeys: readonly SignedMessage[]
  /** Goes into the signed deal, so that a peer that went back learns of it (R4). */
  readonly seen: readonly (PeerStatement & { readonly site: SiteId })[]
  /** Sites of the study that are out of the roster: nothing is dealt to them that they could open (R1). */
  readonly removed: readonly SiteId[]
}

/**
 * A fresh one-time key for one attempt, and its shares sealed to every holder, this one included if it is one. The share of a holder
 * without a usable key is sealed to a key that is thrown away: that site cannot answer, the others can. Throws `BOX_INVALID` where
 * fewer holders than the threshold are left. Cost: O(holders) of 30 KB; nothing grows with the model.
 */
export const makeDeal = async (
  parts: { readonly sealing: Pick<Sealing, 'deal'>; readonly identity: IdentityKey },
  approved: ApprovedStudy,
  attempt: AttemptFields,
  { boxKeys, seen, removed }: DealFacts,
): Promise<{ readonly deal: StoredDeal; readonly unreachable: readonly SiteId[] }> => {
  const { study, step, round, roster } = attempt
  const epoch = epochOf(step)
  const keys = openBoxKeys(boxKeys, approved, epoch)
  const { boxes, unreachable } = await parts.sealing.deal({
    round,
    threshold: approved.manifest.plan.threshold,
    context: { study, round, roster, from: approved.me },
    holders: approved.holders.map((site, place) => {
      return { site, index: place + 1, key: removed.includes(site) ? undefined : keys.get(site) }
    }),
  })
  const message = signBody(
    'deal',
    approved.me,
    {
      ...attempt,
      epoch,
      boxes: approved.holders.map((to, i) => ({ to, box: hashBytes(boxes[i] as Uint8Array) })),
      seen: seen.map(({ site, body, signature }) => ({ site, body, signature })),
    },
    parts.identity,
  )
  return { deal: { message, boxes }, unreachable }
}
