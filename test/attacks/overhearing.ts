import type { SiteId } from '@tributary/shared/ids'
import type { FederationHandlers, UploadPart } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { type Overheard, roundOf } from './overheard.ts'

interface Ear {
  readonly heard: Overheard
  /** What the network makes of a part on its way. */
  readonly onPart: (site: SiteId, part: UploadPart) => UploadPart
  /** The vector that an honest site's query last gave. */
  readonly givenBy: (site: SiteId) => Float64Array | undefined
}

/** The coordinator's handlers, and an ear at each. */
export const overhearing = (handlers: FederationHandlers, { heard, onPart, givenBy }: Ear): FederationHandlers => {
  const of = (message: SignedMessage) => heard.round(roundOf(message))
  const parts = new Map<string, Uint8Array[]>()
  return {
    ...handlers,
    next: async (peer, request, signal) => {
      const task = await handlers.next(peer, request, signal)
      if (task.kind === 'answer') heard.noteAnnounced(task.announcement)
      return task
    },
    putDeal: async (peer, message, boxes) => {
      await handlers.putDeal(peer, message, boxes)
      of(message).deals.set(peer.site, { message, boxes })
    },
    check: async (peer, message) => {
      await handlers.check(peer, message)
      of(message).checks.set(peer.site, message)
    },
    offer: async (peer, message, hashes) => {
      const state = await handlers.offer(peer, message, hashes)
      const sent: Uint8Array[] = []
      parts.set(`${peer.site} ${roundOf(message)}`, sent)
      of(message).contributions.set(peer.site, { message, parts: sent })
      const given = givenBy(peer.site)
      if (given !== undefined) of(message).truths.set(peer.site, given)
      return state
    },
    parts: async (peer, round, stream) => {
      const sent = parts.get(`${peer.site} ${round}`) ?? []
      const passed = (part: UploadPart) => onPart(peer.site, part)
      const heard = async function* () {
        for await (const each of stream) {
          const arrived = passed(each)
          sent[each.part] = each.data
          yield arrived
        }
      }
      return await handlers.parts(peer, round, heard())
    },
    answer: async (peer, message) => {
      await handlers.answer(peer, message)
      of(message).answers.push({ site: peer.site, message })
    },
    openDeal: async (peer, message) => {
      await handlers.openDeal(peer, message)
      of(message).dealOpenings.push(message)
    },
    openBox: async (peer, message) => {
      await handlers.openBox(peer, message)
      of(message).boxOpenings.push(message)
    },
  }
}
