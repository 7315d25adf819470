import { CodedError } from '@tributary/shared/errors'
import { roundId, studyId } from '@tributary/shared/ids'
import {
  asBuffer,
  enrolRequest,
  helloRequest,
  longestWaitMs,
  missingField,
  renewRequest,
  requireProtocol,
  signedFields,
  signedMessage,
} from '@tributary/shared/wire/envelope'
import { chunkAt, chunksOf } from '@tributary/shared/wire/envelope-chunks'
import { taskMessage } from '@tributary/shared/wire/envelope-task'
import type { FederationHandlers, PeerIdentity } from '@tributary/shared/wire/federation-api'
import type {
  ContributionPart,
  Done,
  EnrolmentService,
  FederationService,
  RoundsService,
  Signed,
} from '@tributary/shared/wire/proto'
import { PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import type { CallAdapter } from './calls.ts'

const protocol = PROTOCOL_VERSION

/** A method that takes one signed message and answers "done". */
const signedCall = (adapter: CallAdapter, run: (peer: PeerIdentity, message: SignedMessage) => Promise<void>) =>
  adapter.unary<Signed, Done>(async (peer, message) => {
    requireProtocol(message)
    await run(peer(), signedMessage(message, 'message'))
    return { protocol }
  })

export const enrolmentService = (adapter: CallAdapter, handlers: FederationHandlers): EnrolmentService => ({
  Enrol: adapter.unary(async (_peer, message) => {
    requireProtocol(message)
    const reply = await handlers.enrol(enrolRequest(message))
    return { protocol, ...reply, coordinatorIdentity: asBuffer(reply.coordinatorIdentity) }
  }),
  Renew: adapter.unary(async (peer, message) => {
    requireProtocol(message)
    return { protocol, ...(await handlers.renew(peer(), renewRequest(message))) }
  }),
})

export const federationService = (adapter: CallAdapter, handlers: FederationHandlers): FederationService => ({
  // No version check: this is where a version is agreed on.
  Hello: adapter.unary(async (peer, message) => {
    const { protocol: chosen, now } = await handlers.hello(peer(), helloRequest(message))
    return { protocol, chosen, nowMs: now }
  }),
  GetRoster: adapter.unary(async (peer, message) => {
    requireProtocol(message)
    const { roster, countersignatures } = await handlers.roster(peer())
    return { protocol, roster: asBuffer(roster), countersignatures: countersignatures.map(signedFields) }
  }),
  Countersign: signedCall(adapter, handlers.countersign.bind(handlers)),
  ListStudies: adapter.serverStream(async function* (peer, message) {
    requireProtocol(message)
    for (const offer of await handlers.studies(peer)) yield { protocol, ...offer, manifest: asBuffer(offer.manifest) }
  }),
  Approve: signedCall(adapter, handlers.approve.bind(handlers)),
  PutBoxKeys: signedCall(adapter, handlers.putBoxKeys.bind(handlers)),
})

/** The bytes after the header: in order, without a gap, exactly as many as it announced. */
async function* contributionBytes(parts: AsyncIterator<ContributionPart>, size: number) {
  let offset = 0
  for (let part = await parts.next(); !part.done; part = await parts.next()) {
    requireProtocol(part.value)
    if (!part.value.chunk) throw missingField('chunk')
    const data = chunkAt(part.value.chunk, offset)
    offset += data.length
    if (offset > size) break
    yield data
  }
  if (offset !== size)
    throw new CodedError('FRAME_INVALID', `announced ${size} bytes, sent ${offset > size ? 'more' : offset}`)
}

export const roundsService = (adapter: CallAdapter, handlers: FederationHandlers): RoundsService => ({
  Next: adapter.unary(async (peer, message, signal) => {
    requireProtocol(message)
    const waitMs = Math.min(message.waitMs, longestWaitMs)
    return taskMessage(await handlers.next(peer(), { study: studyId(message.study), waitMs }, signal))
  }),
  PutDeal: adapter.unary(async (peer, message) => {
    requireProtocol(message)
    await handlers.putDeal(peer(), signedMessage(message.deal, 'deal'), message.boxes)
    return { protocol }
  }),
  FetchModel: adapter.serverStream(async function* (peer, message) {
    requireProtocol(message)
    yield* chunksOf(handlers.model(peer, roundId(message.round)), message.offset)
  }),
  FetchBoxes: adapter.serverStream(async function* (peer, message) {
    requireProtocol(message)
    for (const { deal, box } of await handlers.boxes(peer, roundId(message.round))) {
      yield { protocol, deal: signedFields(deal), box: asBuffer(box) }
    }
  }),
  Contribute: adapter.clientStream(async (peer, parts: AsyncIterator<ContributionPart>) => {
    const first = await parts.next()
    if (first.done) throw missingField('header')
    requireProtocol(first.value)
    if (!first.value.header) throw missingField('header')
    const { contribution, size } = first.value.header
    await handlers.contribute(peer, signedMessage(contribution, 'contribution'), size, contributionBytes(parts, size))
    return { protocol }
  }),
  PutAnswer: signedCall(adapter, handlers.answer.bind(handlers)),
  Withdraw: signedCall(adapter, handlers.withdraw.bind(handlers)),
})
