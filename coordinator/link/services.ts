import { roundId, studyId } from '@tributary/shared/ids'
import {
  asBuffer,
  enrolRequest,
  helloRequest,
  longestWaitMs,
  renewRequest,
  requireProtocol,
  signedFields,
  signedMessage,
} from '@tributary/shared/wire/envelope'
import { chunksOf } from '@tributary/shared/wire/envelope-chunks'
import { taskMessage } from '@tributary/shared/wire/envelope-task'
import { offerOf, stateFields, uploadParts } from '@tributary/shared/wire/envelope-upload'
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
    const { roster, countersignatures, signature } = await handlers.roster(peer())
    return {
      protocol,
      roster: asBuffer(roster),
      countersignatures: countersignatures.map(signedFields),
      signature: signedFields(signature),
    }
  }),
  Countersign: signedCall(adapter, handlers.countersign.bind(handlers)),
  ListStudies: adapter.serverStream(async function* (peer, message) {
    requireProtocol(message)
    for (const offer of await handlers.studies(peer)) yield { protocol, ...offer, manifest: asBuffer(offer.manifest) }
  }),
  Approve: signedCall(adapter, handlers.approve.bind(handlers)),
  PutBoxKeys: signedCall(adapter, handlers.putBoxKeys.bind(handlers)),
})

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
  PutCheck: signedCall(adapter, handlers.check.bind(handlers)),
  OfferContribution: adapter.unary(async (peer, fields) => {
    requireProtocol(fields)
    const { message, hashes } = offerOf(fields)
    return stateFields(await handlers.offer(peer(), message, hashes))
  }),
  SendParts: adapter.clientStream(async (peer, stream: AsyncIterator<ContributionPart>) => {
    const { round, parts } = await uploadParts(stream)
    return stateFields(await handlers.parts(peer, round, parts))
  }),
  PutAnswer: signedCall(adapter, handlers.answer.bind(handlers)),
  PutDealOpening: signedCall(adapter, handlers.openDeal.bind(handlers)),
  PutBoxOpening: signedCall(adapter, handlers.openBox.bind(handlers)),
  Withdraw: signedCall(adapter, handlers.withdraw.bind(handlers)),
})
