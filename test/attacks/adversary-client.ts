import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import { openBody } from '@tributary/shared/wire/body'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { encodeRoster, memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { SiteClient } from '../../site-agent/link/client.ts'
import { type Overheard, roundOf } from './overheard.ts'

/** What the adversary does with what a site sends and asks for. */
export interface FalseCoordinator {
  readonly heard: Overheard
  /** Box-keys statements by site and epoch. */
  readonly statements: Map<string, SignedMessage>
  readonly rosterSignature: SignedMessage
  acknowledges: boolean
  onBoxes: (to: SiteId, boxes: readonly DealtBox[]) => readonly DealtBox[]
  onModel: (to: SiteId) => Uint8Array
  onContribution: (message: SignedMessage) => void
  /** What the site's query last gave. */
  given(site: SiteId): Float64Array | undefined
}

const nobody = async (): Promise<never> => {
  throw new CodedError('UNAVAILABLE', 'nobody is there')
}

/** The connection of an honest site to a coordinator that plays false. */
export const falseClient = (liar: FalseCoordinator, site: SiteId): SiteClient => {
  const { heard, statements, rosterSignature: signature } = liar
  const { roster } = heard.approved
  const stored = (message: SignedMessage) => heard.round(roundOf(message))
  return {
    enrol: nobody,
    renew: nobody,
    present: () => undefined,
    hello: async () => ({ protocol: 1, clockOffset: 0 }),
    roster: async () => ({ roster: encodeRoster(roster), countersignatures: [], signature }),
    countersign: async () => undefined,
    studies: async () => [],
    approve: async () => undefined,
    putBoxKeys: async (message) => {
      const { epoch } = openBody('box-keys', message, memberOf(roster, site))
      statements.set(`${site} ${epoch}`, message)
    },
    next: nobody,
    putDeal: async (message, boxes) => void stored(message).deals.set(site, { message, boxes }),
    async *model() {
      yield liar.onModel(site)
    },
    boxes: async (round) => liar.onBoxes(site, heard.boxesFor(round, site)),
    check: async (message) => void stored(message).checks.set(site, message),
    contribute: async (message, parts) => {
      liar.onContribution(message)
      const round = stored(message)
      round.contributions.set(site, { message, parts })
      const given = liar.given(site)
      if (given !== undefined && !round.truths.has(site)) round.truths.set(site, given)
      if (!liar.acknowledges) throw new CodedError('UNAVAILABLE', 'the connection broke')
    },
    answer: async (message) => {
      stored(message).answers.push({ site, message })
    },
    withdraw: async (message) => void stored(message).withdrawn.push(site),
    openDeal: async (message) => void stored(message).dealOpenings.push(message),
    openBox: async (message) => void stored(message).boxOpenings.push(message),
    close: () => undefined,
  }
}
