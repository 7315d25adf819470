import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { checkRosterSignature, decodeRoster, rosterHash } from '@tributary/shared/wire/roster'
import { rosterDifference } from '@tributary/shared/wire/roster-difference'
import type { Logger } from 'pino'
import type { ApprovedStudy } from './approved-study.ts'
import type { SiteBook } from './site-book.ts'

export interface RosterWatchParts {
  readonly book: Pick<SiteBook, 'roster' | 'noteRoster' | 'rostersAfter' | 'pinRoster'>
  readonly client: Pick<CoordinatorClient, 'roster'>
  readonly log: Pick<Logger, 'warn'>
}

/** Members of `before` that `now` does not list under the same key. */
const goneFrom = (before: Roster, now: Roster): readonly string[] => {
  const { left, other_key: changed } = rosterDifference(before, now)
  return [...left, ...changed]
}

/** Nobody new, no key changed, no share holder who was none: whoever is left was confirmed here already. */
const onlyRemoves = (before: Roster, now: Roster): boolean => {
  const { joined, other_key: changed } = rosterDifference(before, now)
  return (
    joined.length + changed.length === 0 &&
    before.federation === now.federation &&
    Buffer.compare(before.coordinator, now.coordinator) === 0 &&
    now.committee.every((site) => before.committee.includes(site))
  )
}

/**
 * Follows the roster without an officer as far as one is not needed (R1): a removal that the pinned admin signed takes effect at
 * the next round; whoever joined, or came back under another key, counts for nothing here before the officer confirms the roster
 * and approves a study anew.
 */
export class RosterWatch {
  readonly #book: RosterWatchParts['book']
  readonly #client: RosterWatchParts['client']
  readonly #log: RosterWatchParts['log']

  constructor({ book, client, log }: RosterWatchParts) {
    this.#book = book
    this.#client = client
    this.#log = log
  }

  /**
   * Asks for the latest roster and remembers it, durably, where the pinned admin signed it. Without a pinned roster it asks
   * nothing. Throws `ROSTER_REFUSED` or `SIGNATURE_INVALID` for one that the pinned admin did not sign, one of another federation,
   * an older one than was seen here and another one of the same version, and what the connection throws.
   */
  async refresh(): Promise<void> {
    const pinned = this.#book.roster()
    if (pinned === undefined) return
    const reply = await this.#client.roster()
    const latest = decodeRoster(reply.roster)
    checkRosterSignature(latest, reply.signature, pinned.admin)
    const refuse = (why: string): never => {
      throw new CodedError('ROSTER_REFUSED', why)
    }
    const seen = [...this.#book.rostersAfter(pinned.version), pinned]
    const newest = Math.max(...seen.map(({ version }) => version))
    const isKnown = (roster: Roster) => rosterHash(roster) === rosterHash(latest)
    // Two of one version: whoever either of them removes is out. An older one that was not seen yet removes for good as well.
    if (this.#book.noteRoster(latest) && latest.version >= newest) this.#tellGone(pinned, seen, latest)
    if (latest.version < newest)
      refuse(`the coordinator shows version ${latest.version}, the admin has signed version ${newest}`)
    const same = seen.filter(({ version }) => version === latest.version)
    if (!same.every(isKnown)) refuse(`the admin has signed two rosters of version ${latest.version}`)
    if (latest.version > pinned.version && onlyRemoves(pinned, latest)) this.#book.pinRoster(latest)
  }

  /**
   * Sites of the study that a later roster, or another one of its own version, no longer lists under the same key: for good,
   * whatever comes after. In the study's order. Cost: decodes each of those rosters.
   */
  removed({ roster, sites }: Pick<ApprovedStudy, 'roster' | 'sites'>): readonly SiteId[] {
    const gone = this.#book.rostersAfter(roster.version - 1).flatMap((later) => goneFrom(roster, later))
    return sites.filter((site) => gone.includes(site))
  }

  /** Once, whatever restarts and however many studies there are: the book knows who was gone before. */
  #tellGone(pinned: Roster, seen: readonly Roster[], latest: Roster): void {
    const known = seen.flatMap((each) => goneFrom(pinned, each))
    const removed = goneFrom(pinned, latest).filter((site) => !known.includes(site))
    if (removed.length > 0)
      this.#log.warn({ removed, version: latest.version }, "removed from the roster by its admin's signature")
  }
}
