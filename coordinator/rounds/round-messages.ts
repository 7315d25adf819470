import type { Digest, SiteId } from '@tributary/shared/ids'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import { coordinatorName, memberOf } from '@tributary/shared/wire/roster'
import { CodedError } from '@tributary/shared/errors'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { RoundState } from './round.ts'
import type { RoundStore } from './round-store.ts'

type RoundKind = 'deal' | 'check' | 'contribution' | 'answer' | 'withdrawal' | 'deal-opening' | 'box-opening'
type Attempt = Pick<RoundState, 'round' | 'step' | 'attempt'>

/** Which attempt: the fields that every round message carries (R2). */
export const attemptFields = (published: Pick<PublishedStudy, 'study' | 'rosterHash'>, state: Attempt) => ({
  study: published.study,
  step: state.step,
  attempt: state.attempt,
  round: state.round,
  roster: published.rosterHash,
})

/** A site's message about `state`'s attempt, signed by that site. Throws as `openBody`, and `ROUND_REFUSED` for another attempt. */
export const openRoundBody = <Kind extends RoundKind>(
  kind: Kind,
  message: SignedMessage,
  site: SiteId,
  published: Pick<PublishedStudy, 'study' | 'roster' | 'rosterHash'>,
  state: Attempt,
): Body<Kind> => {
  const body = openBody(kind, message, memberOf(published.roster, site))
  const expected = attemptFields(published, state)
  for (const field of ['study', 'step', 'attempt', 'round', 'roster'] as const) {
    if (body[field] !== expected[field])
      throw new CodedError('ROUND_REFUSED', `this ${kind} is for another attempt`, { place: { field } })
  }
  return body
}

/** The signed order to contribute; equal for equal states, so a restarted coordinator repeats it byte for byte. */
export const broadcastOf = (
  published: PublishedStudy,
  state: RoundState,
  store: RoundStore,
  identity: IdentityKey,
): SignedMessage =>
  signBody(
    'broadcast',
    coordinatorName,
    {
      ...attemptFields(published, state),
      manifest: published.manifestHash,
      query: state.query,
      model: modelOf(state),
      dealers: state.dealers.map((site) => ({ site, deal: hashBytes(kept(store, state, 'deal', site).body) })),
    },
    identity,
  )

/** The signed contributor set U, named once (R4), with every member's own signed contribution inside. */
export const announcementOf = (
  published: PublishedStudy,
  state: RoundState,
  store: RoundStore,
  identity: IdentityKey,
): SignedMessage =>
  signBody(
    'announcement',
    coordinatorName,
    {
      ...attemptFields(published, state),
      model: modelOf(state),
      contributors: state.contributors.map((site) => {
        const { body, signature } = kept(store, state, 'contribution', site)
        return { site, deal: hashBytes(kept(store, state, 'deal', site).body), body, signature }
      }),
    },
    identity,
  )

const modelOf = (state: RoundState): Digest => {
  if (state.model === null) throw new CodedError('INTERNAL', 'a round without a model cannot be announced')
  return state.model
}

export const kept = (
  store: RoundStore,
  state: RoundState,
  kind: 'deal' | 'contribution',
  site: SiteId,
): SignedMessage => {
  const message = store.message(state.round, kind, site)
  if (message === undefined) throw new CodedError('STATE_CORRUPT', `the ${kind} of ${site} is missing`)
  return message
}

/** Only where to look: the signature, and every field of the attempt, are checked afterwards. */
export const roundNamed = (message: SignedMessage): unknown => {
  const body = decodeCanonical(message.body)
  return typeof body === 'object' && body !== null && 'round' in body ? body.round : undefined
}
