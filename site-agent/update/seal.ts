import type { Ring } from '@tributary/shared/he/ring'
import { sealVector } from '@tributary/shared/he/sealed-vector'
import type { SiteKey } from '@tributary/shared/he/site-key'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { type Body, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import { type Contribution, integersOf } from '../contribution/contribution.ts'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import type { StoredContribution } from './outbox.ts'

/**
 * Seals a noised contribution under the attempt's one-time key, which can seal nothing else afterwards (R3), and signs its
 * hash. Cost: O(dimension).
 */
export const sealContribution = (
  parts: { readonly ring: Ring; readonly identity: IdentityKey },
  approved: ApprovedStudy,
  broadcast: Body<'broadcast'>,
  own: { readonly key: SiteKey; readonly counter: number; readonly charged: number },
  contribution: Contribution,
): StoredContribution => {
  const { study, step, attempt, round, roster, model, query, dealers } = broadcast
  const layout = slotLayoutOf(approved.queries[query] as (typeof approved.queries)[number], approved.sites.length)
  const context = { round, roster, plan: approved.manifestHash, model }
  const ciphertext = sealVector(parts.ring, own.key, context, layout, integersOf(contribution))
  const deal = (dealers.find(({ site }) => site === approved.me) as (typeof dealers)[number]).deal
  const message = signBody(
    'contribution',
    approved.me,
    {
      study,
      step,
      attempt,
      round,
      roster,
      model,
      deal,
      ciphertext: hashBytes(ciphertext),
      bytes: ciphertext.length,
      counter: own.counter,
      charged: own.charged,
    },
    parts.identity,
  )
  return { message, ciphertext }
}
