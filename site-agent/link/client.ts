import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, type RoundId, roundId, studyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import { asBuffer, requireProtocol, signedFields, signedMessage } from '@tributary/shared/wire/envelope'
import { taskOf } from '@tributary/shared/wire/envelope-task'
import type { ClientCredentials, CoordinatorClient } from '@tributary/shared/wire/federation-api'
import { Enrolment, Federation, Rounds } from '@tributary/shared/wire/proto'
import { PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import { type Method, serverStream, unary } from './calls.ts'
import { Channel } from './channel.ts'
import { clockOffset } from './clock-offset.ts'
import { uploadContribution } from './contribution-upload.ts'
import { fetchModel } from './model-download.ts'
import { retrying } from './retrying.ts'

export interface Connection {
  /** host:port of the coordinator. */
  readonly address: string
  /** PEM of the only authority that is believed. */
  readonly ca: string
  /** PEM; both left out while enrolling. */
  readonly certificate?: string
  readonly key?: string
  readonly clock: Clock
  /** How long an unreachable coordinator is tried again inside one operation, ms; 60,000 unless told. */
  readonly patienceMs?: number
}

/** Called right before a message is sent and before each further try; what it throws ends the sending. */
export type SendGuard = () => void

/** The client with a guard on what speaks for a study. A `CoordinatorClient` is one that asks no guard. */
export interface SiteClient
  extends Omit<CoordinatorClient, 'putDeal' | 'check' | 'contribute' | 'answer' | 'openDeal' | 'openBox'> {
  putDeal(message: SignedMessage, boxes: readonly Uint8Array[], guard?: SendGuard): Promise<void>
  check(message: SignedMessage, guard?: SendGuard): Promise<void>
  /** `hashes`: of the parts, where they are known, so that megabytes are not hashed again. */
  contribute(
    message: SignedMessage,
    parts: readonly Uint8Array[],
    guard?: SendGuard,
    hashes?: readonly Digest[],
  ): Promise<void>
  answer(message: SignedMessage, guard?: SendGuard): Promise<void>
  openDeal(message: SignedMessage, guard?: SendGuard): Promise<void>
  openBox(message: SignedMessage, guard?: SendGuard): Promise<void>
}

/** For one message each way. */
const callMs = 30_000
const protocol = PROTOCOL_VERSION

/** The round that a message of this site's own is for. Throws ID_MALFORMED for one that names none. */
const roundOf = (message: SignedMessage): RoundId => {
  const body = decodeCanonical(message.body)
  const named = typeof body === 'object' && body !== null && 'round' in body ? body.round : ''
  return roundId(typeof named === 'string' ? named : '')
}

/**
 * The coordinator as a site sees it. Dials out on the first call, over TLS 1.3 with the given authority as the only root; every
 * call has a deadline, and one that finds the coordinator unreachable is tried again for `patienceMs`: all operations may be
 * repeated. Rejects with the coordinator's own coded error, TLS_REFUSED, CERTIFICATE_EXPIRED, CLOCK_SKEWED, UNAVAILABLE
 * or DEADLINE_PASSED.
 */
export const connect = (connection: Connection): SiteClient => {
  const { address, ca, certificate, key, clock, patienceMs = 60_000 } = connection
  const credentials = certificate !== undefined && key !== undefined ? { certificate, key } : undefined
  const channel = new Channel({ address, ca, clock }, credentials)
  const patience = (signal?: AbortSignal) => ({ clock, patienceMs, signal })

  const call = async <Request, Reply extends { readonly protocol: number }>(
    method: Method<Request, Reply>,
    request: Request,
    options: { ms?: number; signal?: AbortSignal | undefined; guard?: SendGuard | undefined } = {},
  ): Promise<Reply> => {
    const { ms = callMs, signal, guard } = options
    const once = () =>
      channel.call(async (client) => {
        guard?.()
        return await unary(client, method, request, { deadline: clock.now() + ms, signal })
      })
    const reply = await retrying(once, patience(signal))
    requireProtocol(reply)
    return reply
  }
  const all = <Request, Reply extends { readonly protocol: number }, T>(
    method: Method<Request, Reply>,
    request: Request,
    read: (reply: Reply) => T,
  ): Promise<readonly T[]> =>
    retrying(
      () =>
        channel.call(async (client) => {
          const results: T[] = []
          for await (const reply of serverStream(client, method, request, clock.now() + callMs)) {
            requireProtocol(reply)
            results.push(read(reply))
          }
          return results
        }),
      patience(),
    )

  return {
    async enrol(request) {
      const { csr, identity, identityProof } = request
      const bytes = { csr: asBuffer(csr), identity: asBuffer(identity), identityProof: asBuffer(identityProof) }
      const fields = { protocol, token: request.token, site: request.site, ...bytes }
      const reply = await call(Enrolment.service.Enrol, fields)
      return {
        certificate: reply.certificate,
        chain: reply.chain,
        federation: reply.federation,
        coordinatorIdentity: reply.coordinatorIdentity,
      }
    },
    async renew({ csr, identityProof }) {
      const fields = { protocol, csr: asBuffer(csr), identityProof: asBuffer(identityProof) }
      const { certificate: renewed } = await call(Enrolment.service.Renew, fields)
      return { certificate: renewed }
    },
    present: (renewed: ClientCredentials) => channel.present(renewed),
    async hello({ protocols, software, session }) {
      const fields = { protocol, protocols: [...protocols], software, session }
      const once = async () => {
        const sent = clock.now()
        const reply = await channel.call((client) =>
          unary(client, Federation.service.Hello, fields, { deadline: sent + callMs }),
        )
        return { chosen: reply.chosen, offset: clockOffset(sent, clock.now(), reply.nowMs) }
      }
      const { chosen, offset } = await retrying(once, patience())
      if (protocols.includes(chosen)) return { protocol: chosen, clockOffset: offset }
      throw new CodedError('PROTOCOL_UNSUPPORTED', `offered protocol ${protocols.join(', ')}, got ${chosen}`)
    },
    async roster() {
      const { roster, countersignatures, signature } = await call(Federation.service.GetRoster, { protocol })
      return {
        roster,
        countersignatures: countersignatures.map((each) => signedMessage(each, 'countersignatures')),
        signature: signedMessage(signature, 'signature'),
      }
    },
    async countersign(message) {
      await call(Federation.service.Countersign, signedFields(message))
    },
    studies: () =>
      all(Federation.service.ListStudies, { protocol }, ({ study, roster, manifest, state }) => {
        return { study: studyId(study), roster: digest(roster), manifest, state }
      }),
    async approve(message) {
      await call(Federation.service.Approve, signedFields(message))
    },
    async putBoxKeys(message) {
      await call(Federation.service.PutBoxKeys, signedFields(message))
    },
    async next({ study, waitMs }, signal) {
      const fields = { protocol, study, waitMs }
      return taskOf(await call(Rounds.service.Next, fields, { ms: waitMs + callMs, signal }))
    },
    async putDeal(message, boxes, guard) {
      const fields = { protocol, deal: signedFields(message), boxes: boxes.map(asBuffer) }
      await call(Rounds.service.PutDeal, fields, { guard })
    },
    model: (round) => fetchModel(channel, round, { clock, patienceMs }),
    boxes: (round) =>
      all(Rounds.service.FetchBoxes, { protocol, round }, ({ deal, box }) => ({
        deal: signedMessage(deal, 'deal'),
        box,
      })),
    async contribute(message, parts, guard = () => {}, hashes = parts.map(hashBytes)) {
      const upload = { message, round: roundOf(message), parts, hashes }
      await uploadContribution(channel, upload, guard, patience())
    },
    async answer(message, guard) {
      await call(Rounds.service.PutAnswer, signedFields(message), { guard })
    },
    async check(message, guard) {
      await call(Rounds.service.PutCheck, signedFields(message), { guard })
    },
    async openDeal(message, guard) {
      await call(Rounds.service.PutDealOpening, signedFields(message), { guard })
    },
    async openBox(message, guard) {
      await call(Rounds.service.PutBoxOpening, signedFields(message), { guard })
    },
    async withdraw(message) {
      await call(Rounds.service.Withdraw, signedFields(message))
    },
    close: () => channel.close(),
  }
}
