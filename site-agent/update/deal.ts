import type { RandomSource } from '@tributary/shared/ports'
import { newBoxKeys, sealBox } from '@tributary/shared/he/box'
import type { Ring } from '@tributary/shared/he/ring'
import { dealShares } from '@tributary/shared/he/shamir'
import { newSiteKey, type SiteKey } from '@tributary/shared/he/site-key'
import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { memberOf } from '@tributary/shared/wire/roster'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import { type ApprovedStudy, holderIndex } from '../policy/approved-study.ts'
import type { PeerStatement } from '../policy/peer-counters.ts'
import type { AttemptFields } from '../policy/round-guard.ts'
import type { StoredDeal } from './outbox.ts'

/** The box keys of every site of the study, each signed by its site. Throws `ROUND_REFUSED` when one is missing. */
export const openBoxKeys = (
  messages: readonly SignedMessage[],
  approved: ApprovedStudy,
): Map<string, Body<'box-keys'>> => {
  const keys = new Map<string, Body<'box-keys'>>()
  for (const site of approved.sites) {
    const message = messages.find(({ signer }) => signer === site)
    if (message === undefined) throw new CodedError('ROUND_REFUSED', `the box keys of ${site} are missing`)
    const body = openBody('box-keys', message, memberOf(approved.roster, site))
    if (body.study !== approved.study)
      throw new CodedError('ROUND_REFUSED', `the box keys of ${site} are for another study`)
    keys.set(site, body)
  }
  return keys
}

const isUsable = (key: Uint8Array, to: string, attempt: AttemptFields): boolean => {
  const { study, round, roster } = attempt
  try {
    sealBox(key, { study, round, roster, from: to, to }, new Uint8Array(0))
    return true
  } catch {
    return false
  }
}

/**
 * A fresh one-time key for one attempt, and its shares sealed to every site of the study, this one included; `seen` goes into the
 * signed deal, so that a peer that went back learns of it. The share of a
 * holder whose own signed box key is none is sealed to a key that is thrown away: that site cannot answer, the others can. Throws
 * `BOX_INVALID` where fewer holders than the threshold are left. Cost: O(sites) of 32 KiB; nothing grows with the model.
 */
export const makeDeal = (
  parts: { readonly ring: Ring; readonly identity: IdentityKey; readonly random: RandomSource },
  approved: ApprovedStudy,
  attempt: AttemptFields,
  boxKeys: readonly SignedMessage[],
  seen: readonly (PeerStatement & { readonly site: SiteId })[],
): { readonly key: SiteKey; readonly deal: StoredDeal; readonly unreachable: readonly SiteId[] } => {
  const { ring, identity, random } = parts
  const { study, round, roster } = attempt
  const keys = openBoxKeys(boxKeys, approved)
  const keyOf = (site: SiteId) => (keys.get(site) as Body<'box-keys'>).key
  const unreachable = approved.sites.filter((site) => !isUsable(keyOf(site), site, attempt))
  if (approved.sites.length - unreachable.length < approved.manifest.plan.threshold)
    throw new CodedError('BOX_INVALID', `the box keys of ${unreachable.join(', ')} are not usable`)
  const key = newSiteKey(ring, random)
  const holders = approved.sites.map((site) => holderIndex(approved, site))
  const shares = dealShares(ring, key, approved.manifest.plan.threshold, holders, random)
  const boxes = approved.sites.map((to, i) => {
    const share = shares[i] as Uint8Array
    const holder = unreachable.includes(to) ? newBoxKeys().publicKey : keyOf(to)
    const box = sealBox(holder, { study, round, roster, from: approved.me, to }, share)
    share.fill(0)
    return box
  })
  const message = signBody(
    'deal',
    approved.me,
    {
      ...attempt,
      boxes: approved.sites.map((to, i) => ({
        to,
        box: hashBytes(boxes[i] as Uint8Array),
        epoch: (keys.get(to) as Body<'box-keys'>).epoch,
      })),
      seen: seen.map(({ site, body, signature }) => ({ site, body, signature })),
    },
    identity,
  )
  return { key, deal: { message, boxes }, unreachable }
}
