import { CodedError } from '../errors.ts'
import { frameLength } from '../he/frame.ts'
import { blocksPerPart } from '../he/parts.ts'
import { ringFacts } from '../he/ring-parameters.ts'
import { type Digest, digest, type RoundId, roundId } from '../ids.ts'
import { asBuffer, requireProtocol, signedFields, signedMessage } from './envelope.ts'
import type { UploadPart, UploadState } from './federation-api.ts'
import type {
  ContributionOffer,
  ContributionOfferFields,
  ContributionPart,
  ContributionPartFields,
  ContributionState,
  ContributionStateFields,
} from './proto.ts'
import { PROTOCOL_VERSION, type SignedMessage } from './signed.ts'

const protocol = PROTOCOL_VERSION

/** Most parts that an offer may name: twenty times a model of 100 million parameters, and their hashes in one message. */
export const mostParts = 65_536
/** Bytes of the largest part: a frame of `blocksPerPart` blocks. */
export const partBytes = frameLength(ringFacts, blocksPerPart)

const hashBytes = 32

const refuse = (field: string, why: string): CodedError => new CodedError('FRAME_INVALID', why, { place: { field } })

export const offerFields = (message: SignedMessage, hashes: readonly Digest[]): ContributionOfferFields => ({
  protocol,
  contribution: signedFields(message),
  partHashes: hashes.map((hash) => Buffer.from(hash, 'hex')),
})

/** Throws ARGUMENT_INVALID without a contribution, and FRAME_INVALID for no parts, too many, or a hash of another length. */
export const offerOf = (message: ContributionOffer): { message: SignedMessage; hashes: readonly Digest[] } => {
  const { contribution, partHashes } = message
  if (partHashes.length === 0 || partHashes.length > mostParts)
    throw refuse('part_hashes', `an offer of ${partHashes.length} parts, where 1 to ${mostParts} are allowed`)
  const wrong = partHashes.findIndex(({ length }) => length !== hashBytes)
  if (wrong >= 0) throw refuse('part_hashes', `the hash of part ${wrong} has ${partHashes[wrong]?.length} bytes`)
  return {
    message: signedMessage(contribution, 'contribution'),
    hashes: partHashes.map((hash) => digest(hash.toString('hex'))),
  }
}

export const stateFields = ({ complete, missing }: UploadState): ContributionStateFields => ({
  protocol,
  complete,
  missing: [...missing],
})

/**
 * What the coordinator says of an upload of `parts` parts: either complete, or what is missing, ascending. Throws FRAME_INVALID
 * for anything else: nothing but the parts of this contribution is ever sent, each once.
 */
export const uploadState = ({ complete, missing }: ContributionState, parts: number): UploadState => {
  if (complete !== (missing.length === 0))
    throw refuse('missing', `${complete ? 'a complete' : 'an incomplete'} contribution with ${missing.length} missing`)
  const isPlaced = missing.every((part, i) => part < parts && (i === 0 || part > (missing[i - 1] as number)))
  if (!isPlaced) throw refuse('missing', `parts are missed that are not among ${parts} in order`)
  return { complete, missing }
}

export const partFields = (round: RoundId, part: number, data: Uint8Array): ContributionPartFields => ({
  protocol,
  round,
  part,
  data: asBuffer(data),
})

/** Throws FRAME_INVALID for a part with no bytes, more than a whole part has, or a place that no contribution has. */
const partOf = ({ part, data }: ContributionPart): UploadPart => {
  if (part >= mostParts) throw refuse('part', `there is no part ${part}`)
  if (data.length === 0 || data.length > partBytes)
    throw refuse('data', `part ${part} has ${data.length} bytes, where 1 to ${partBytes} are allowed`)
  return { part, data }
}

/** Parts of one contribution, which the first one names, as they come; ARGUMENT_INVALID where there is none. */
export const uploadParts = async (
  stream: AsyncIterator<ContributionPart>,
): Promise<{ round: RoundId; parts: AsyncIterable<UploadPart> }> => {
  const first = await stream.next()
  if (first.done) throw new CodedError('ARGUMENT_INVALID', 'a stream without a part', { place: { field: 'part' } })
  requireProtocol(first.value)
  const round = roundId(first.value.round)
  async function* parts() {
    for (let next = first; !next.done; next = (await stream.next()) as typeof next) {
      requireProtocol(next.value)
      if (next.value.round !== round) throw refuse('round', 'a part of another round than the first one')
      yield partOf(next.value)
    }
  }
  return { round, parts: parts() }
}
