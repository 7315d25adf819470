import { partsDigest } from '@tributary/shared/he/parts'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { type Body, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import { type Contribution, integersOf } from '../contribution/contribution.ts'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import type { StoredContribution } from './outbox.ts'
import type { Sealing } from './sealing.ts'

/**
 * Seals a noised contribution under the attempt's one-time key, which is erased by that (R3), and signs the digest of its parts.
 * Cost: O(dimension).
 */
export const sealContribution = async (
  parts: { readonly sealing: Pick<Sealing, 'seal'>; readonly identity: IdentityKey },
  approved: ApprovedStudy,
  broadcast: Body<'broadcast'>,
  own: { readonly counter: number; readonly charged: number },
  contribution: Contribution,
): Promise<StoredContribution> => {
  const { study, step, attempt, round, roster, model, query, dealers } = broadcast
  const sealed = await parts.sealing.seal({
    round,
    context: { round, roster, plan: approved.manifestHash, model },
    layout: slotLayoutOf(approved.queries[query] as (typeof approved.queries)[number], approved.sites.length),
    values: integersOf(contribution),
  })
  const hashes = sealed.map(hashBytes)
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
      ciphertext: partsDigest(hashes),
      bytes: sealed.reduce((sum, { length }) => sum + length, 0),
      counter: own.counter,
      charged: own.charged,
    },
    parts.identity,
  )
  return { message, parts: sealed, hashes }
}
