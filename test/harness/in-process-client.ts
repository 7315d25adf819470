import { CodedError } from '@tributary/shared/errors'
import type { RoundId } from '@tributary/shared/ids'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox, FederationHandlers, PeerIdentity, Task } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { SendGuard, SiteClient } from '../../site-agent/link/client.ts'

/** 'parts lost': of a contribution every other part arrives, then the connection breaks; of anything else nothing does. */
export type LinkFault = 'request lost' | 'parts lost' | 'response lost' | 'sent twice' | null
export type Sending = 'deal' | 'check' | 'contribution' | 'answer' | 'withdrawal' | 'deal opening' | 'box opening'

/** What lies between one site and the coordinator. */
export interface Link {
  readonly peer: PeerIdentity
  readonly now: () => number
  /** Of the coordinator that is up now. */
  readonly handlers: () => FederationHandlers
  readonly isDead: () => boolean
  /** Of this sending; of the next one, none. */
  readonly fault: () => LinkFault
  /** Told of every message once its guard let it go. */
  readonly note: (kind: Sending, message: SignedMessage, rest: readonly Uint8Array[]) => void
  readonly noteTask: (task: Task) => void
  readonly onModel: (part: Uint8Array) => Uint8Array
  readonly onBoxes: (boxes: readonly DealtBox[]) => readonly DealtBox[]
}

export const roundOf = (message: SignedMessage): RoundId => (decodeCanonical(message.body) as { round: RoundId }).round

/** The connection of one site: calls of the coordinator's handlers, which it awaits or loses as the fault of the moment says. */
export const inProcessClient = ({
  peer,
  now,
  handlers,
  isDead,
  fault,
  note,
  noteTask,
  onModel,
  onBoxes,
}: Link): SiteClient => {
  const reach = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      if (!isDead()) return await call()
    } catch (thrown) {
      if (!isDead()) throw thrown
    }
    throw new CodedError('UNAVAILABLE', 'the coordinator is down')
  }
  const send = async (
    kind: Sending,
    message: SignedMessage,
    rest: readonly Uint8Array[],
    call: (isBroken: boolean) => Promise<void>,
    guard?: SendGuard,
  ) => {
    guard?.()
    note(kind, message, rest)
    const broken = fault()
    if (broken === 'request lost') throw new CodedError('UNAVAILABLE', 'the request was lost')
    if (broken === 'parts lost') {
      if (kind === 'contribution') await reach(() => call(true))
      throw new CodedError('UNAVAILABLE', 'the connection broke')
    }
    await reach(() => call(false))
    if (broken === 'sent twice') await reach(() => call(false))
    if (broken === 'response lost') throw new CodedError('UNAVAILABLE', 'the response was lost')
  }
  const plain = (
    kind: Sending,
    message: SignedMessage,
    name: 'answer' | 'withdraw' | 'check' | 'openDeal' | 'openBox',
    guard?: SendGuard,
  ) => send(kind, message, [], () => handlers()[name](peer, message), guard)
  /** As the product's client does: what is missing, the last part first; the parts of one stream arrive in any order. */
  const upload = async (message: SignedMessage, parts: readonly Uint8Array[], isBroken: boolean) => {
    const { complete, missing } = await handlers().offer(peer, message, parts.map(hashBytes))
    if (complete) return
    const sent = missing.toReversed().filter((_, i) => !isBroken || i % 2 === 0)
    async function* stream() {
      for (const part of sent) yield { part, data: parts[part] as Uint8Array }
    }
    const state = await handlers().parts(peer, roundOf(message), stream())
    if (!isBroken && !state.complete) throw new CodedError('UNAVAILABLE', 'the contribution does not count yet')
  }
  return {
    enrol: (request) => handlers().enrol(request),
    renew: (request) => reach(() => handlers().renew(peer, request)),
    present: () => undefined,
    hello: async (request) => {
      const greeted = await reach(() => handlers().hello(peer, request))
      return { protocol: greeted.protocol, clockOffset: greeted.now - now() }
    },
    roster: () => reach(() => handlers().roster(peer)),
    countersign: (message) => reach(() => handlers().countersign(peer, message)),
    studies: () => reach(() => handlers().studies(peer)),
    approve: (message) => reach(() => handlers().approve(peer, message)),
    putBoxKeys: (message) => reach(() => handlers().putBoxKeys(peer, message)),
    next: async (request, signal) => {
      const task = await reach(() => handlers().next(peer, request, signal ?? new AbortController().signal))
      noteTask(task)
      return task
    },
    putDeal: (message, boxes, guard) =>
      send('deal', message, boxes, () => handlers().putDeal(peer, message, boxes), guard),
    async *model(round) {
      for await (const part of handlers().model(peer, round)) yield onModel(new Uint8Array(part))
    },
    boxes: async (round) => onBoxes(await reach(() => handlers().boxes(peer, round))),
    check: (message, guard) => plain('check', message, 'check', guard),
    contribute: (message, parts, guard) =>
      send('contribution', message, parts, (isBroken) => upload(message, parts, isBroken), guard),
    answer: (message, guard) => plain('answer', message, 'answer', guard),
    withdraw: (message) => plain('withdrawal', message, 'withdraw'),
    openDeal: (message, guard) => plain('deal opening', message, 'openDeal', guard),
    openBox: (message, guard) => plain('box opening', message, 'openBox', guard),
    close: () => undefined,
  }
}
