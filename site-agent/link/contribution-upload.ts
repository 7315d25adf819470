import { CodedError } from '@tributary/shared/errors'
import type { Digest, RoundId } from '@tributary/shared/ids'
import { requireProtocol } from '@tributary/shared/wire/envelope'
import { offerFields, partFields, uploadState } from '@tributary/shared/wire/envelope-upload'
import type { UploadState } from '@tributary/shared/wire/federation-api'
import { type ContributionState, Rounds } from '@tributary/shared/wire/proto'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { clientStream, streamMs, unary } from './calls.ts'
import type { Channel } from './channel.ts'
import { type Patience, retrying } from './retrying.ts'

/** A signed contribution, the round that it is for, and the parts that its hashes were signed over. */
export interface Upload {
  readonly message: SignedMessage
  readonly round: RoundId
  readonly parts: readonly Uint8Array[]
  readonly hashes: readonly Digest[]
}

/** Parts in one call: what a line of 0.25 Mbit/s carries within the deadline of a stream. */
const partsInCall = 64
/** For the offer and its reply, ms. */
const offerMs = 30_000

/**
 * Offers a contribution and sends what the coordinator misses, until it says that the contribution counts. After a broken
 * connection it asks again and sends only what is missing then; each call that brought the coordinator further renews the
 * patience. `guard` is asked right before every offer and every call with parts. Sends no part that was not asked for.
 */
export const uploadContribution = async (
  channel: Channel,
  upload: Upload,
  guard: () => void,
  patience: Patience,
): Promise<void> => {
  const { message, round, parts, hashes } = upload
  const { clock } = patience
  const read = (reply: ContributionState): UploadState => {
    requireProtocol(reply)
    return uploadState(reply, parts.length)
  }
  const offer = () =>
    channel.call(async (client) => {
      guard()
      const deadline = clock.now() + offerMs
      return read(await unary(client, Rounds.service.OfferContribution, offerFields(message, hashes), { deadline }))
    })
  const send = (missing: readonly number[]) =>
    channel.call(async (client) => {
      guard()
      async function* named() {
        for (const part of missing) yield partFields(round, part, parts[part] as Uint8Array)
      }
      return read(await clientStream(client, Rounds.service.SendParts, named(), clock.now() + streamMs))
    })

  let fewest = Number.POSITIVE_INFINITY
  await retrying(async (renew) => {
    /** Whether the coordinator has more than it ever had. */
    const isFurther = ({ missing }: UploadState): boolean => {
      if (missing.length >= fewest) return false
      fewest = missing.length
      renew()
      return true
    }
    let state = await offer()
    isFurther(state)
    while (!state.complete) {
      state = await send(state.missing.slice(0, partsInCall))
      if (!state.complete && !isFurther(state))
        throw new CodedError('UNAVAILABLE', 'the coordinator does not take the parts that it asks for')
    }
  }, patience)
}
