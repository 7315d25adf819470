import { CodedError } from '@tributary/shared/errors'
import { type FrameRing, frameLength } from '@tributary/shared/he/frame'
import { blocksOfPart, partCount, partsDigest } from '@tributary/shared/he/parts'
import { blockCount, type SlotLayout } from '@tributary/shared/he/slots'
import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import type { Body } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { UploadPart, UploadState } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'
import type { LiveStudy } from '../studies/study-runs.ts'
import type { OpenRound, OpenRounds } from './open-rounds.ts'
import { kept, openRoundBody } from './round-messages.ts'
import type { RoundStore } from './round-store.ts'

/** A contribution that its site offered and that was found to be for this round, before any of its parts is taken. */
interface Offer {
  readonly round: RoundId
  readonly message: SignedMessage
  readonly hashes: readonly Digest[]
  readonly layout: SlotLayout
}

interface UploadsParts {
  readonly open: OpenRounds
  readonly store: RoundStore
  readonly ring: FrameRing
  readonly log: Logger
}

const complete: UploadState = { complete: true, missing: [] }

const refuse = (why: string) => new CodedError('ROUND_REFUSED', why)
const invalid = (field: string, why: string) => new CodedError('FRAME_INVALID', why, { place: { field } })

/**
 * Where contributions arrive. An offer is checked against the attempt, the plan and its own signature before a part is taken; a
 * part is taken when it is what was offered; the contribution counts when all of it is on the disk and the round still takes
 * contributions. Nothing of it reaches SEAL here.
 */
export class Uploads {
  readonly #parts: UploadsParts
  /** A site contributes to one round of a study at a time. */
  readonly #offers = new WeakMap<LiveStudy, Map<SiteId, Offer>>()
  /** The round for which a site's counter was refused last: said once. */
  readonly #wentBack = new WeakMap<LiveStudy, Map<SiteId, RoundId>>()

  constructor(parts: UploadsParts) {
    this.#parts = parts
  }

  /**
   * Begins an upload, or says how far it is. Throws `ROUND_REFUSED` for another attempt, model or deal, where the round takes no
   * contribution, or where the site offered other bytes before (R3); `COUNTER_REFUSED`
   * where its counter went back (R4); `FRAME_INVALID` where number, lengths or hashes of the parts
   * are not the plan's or not what was signed; what `openBody` throws.
   */
  async offer(site: SiteId, message: SignedMessage, hashes: readonly Digest[]): Promise<UploadState> {
    const { open, store } = this.#parts
    const opened = open.open(site, message)
    const { live, state } = opened
    const body = openRoundBody('contribution', message, site, live.published, state)
    if (open.isRepeated(state, 'contributing', 'contribution', site, message)) return complete
    this.#requireContributor(site, opened)
    if (body.model !== state.model) throw refuse('the contribution is for another model')
    if (body.deal !== hashBytes(kept(store, state, 'deal', site).body))
      throw refuse('the contribution names another deal')
    this.#requireNewCounter(site, opened, body.counter)
    const layout = this.#layout(opened)
    this.#requireWhole(body, hashes, layout)
    const earlier = store.partHashes(state.round, site)
    if (earlier !== undefined && partsDigest(earlier) !== body.ciphertext)
      throw refuse(`${site} has offered another contribution to this attempt`)
    if (earlier === undefined) store.keepParts(state.round, site, hashes)
    const offer = { round: state.round, message, hashes, layout }
    const offers = this.#offers.get(live) ?? new Map<SiteId, Offer>()
    this.#offers.set(live, offers.set(site, offer))
    return await this.#stateOf(site, live, offer)
  }

  /**
   * Takes parts of what was offered, in any order. Throws `ROUND_REFUSED` once the round takes no contribution, `FRAME_INVALID` for
   * what was not offered, `DISK_FULL`, and `UNAVAILABLE` where the offer has to be made again; what was taken before stays taken.
   */
  async parts(site: SiteId, round: RoundId, parts: AsyncIterable<UploadPart>): Promise<UploadState> {
    const { live } = this.#find(site, round)
    if (this.#isCounted(site, round)) return complete
    const offer = this.#offers.get(live)?.get(site)
    if (offer?.round !== round)
      throw new CodedError(
        'UNAVAILABLE',
        'this contribution was not offered since the coordinator started: offer it again',
      )
    let taken = 0
    for await (const { part, data } of parts) {
      taken += 1
      if (taken > offer.hashes.length) throw invalid('part', 'more parts in one call than the contribution has')
      if (this.#isCounted(site, round)) return complete
      this.#requireContributor(site, this.#find(site, round))
      await live.contributions.put(round, site, part, data)
    }
    return await this.#stateOf(site, live, offer)
  }

  /** What is missing; the contribution is counted here when nothing is. */
  async #stateOf(site: SiteId, live: LiveStudy, { round, message, hashes, layout }: Offer): Promise<UploadState> {
    const { open } = this.#parts
    const isRepeated = () =>
      open.isRepeated(this.#find(site, round).state, 'contributing', 'contribution', site, message)
    if (isRepeated()) return complete
    // First: what is left of a round that is over would be made anew.
    this.#requireContributor(site, this.#find(site, round))
    const state = await live.contributions.begin(round, site, hashes, layout)
    if (!state.complete) return { complete: false, missing: state.missing }
    // Another connection of the site may have got here first.
    if (isRepeated()) return complete
    await live.run.dispatch(this.#find(site, round).state, { type: 'contributed', site }, () => {
      this.#requireContributor(site, this.#find(site, round))
      this.#parts.store.keep(round, 'contribution', site, message)
    })
    return complete
  }

  #isCounted(site: SiteId, round: RoundId): boolean {
    return this.#parts.store.message(round, 'contribution', site) !== undefined
  }

  #find(site: SiteId, round: RoundId): OpenRound {
    try {
      return this.#parts.open.find(site, round)
    } catch (thrown) {
      throw thrown instanceof CodedError && thrown.code === 'NOT_FOUND' ? refuse('this round is closed') : thrown
    }
  }

  /** Whether what the site sends now would count. */
  #requireContributor(site: SiteId, { state }: OpenRound): void {
    if (state.phase !== 'contributing') throw refuse('this round takes no contribution now')
    if (!state.dealers.includes(site) || state.withdrawn.includes(site))
      throw refuse(`${site} has no deal in this round, or withdrew`)
  }

  /**
   * Every holder refuses a set with a counter in it that is not above that site's last announced one (R4): all would pay for an
   * attempt that a single site spoils, and nobody could tell which. Here the one whose counter went back is refused, and named.
   */
  #requireNewCounter(site: SiteId, { live, state }: OpenRound, counter: number): void {
    const { store, log } = this.#parts
    const { study } = live.published
    const { round, step, attempt } = state
    const announced = store.announcedCounter(study, site)
    if (counter > announced) return
    const told = this.#wentBack.get(live) ?? new Map<SiteId, RoundId>()
    this.#wentBack.set(live, told)
    if (told.get(site) !== round)
      log.warn({ study, round, step, attempt, site, counter, announced }, 'a site went back to an earlier counter')
    told.set(site, round)
    throw new CodedError('COUNTER_REFUSED', `the counter of ${site} is ${counter}, and was ${announced} before`)
  }

  #layout({ live, state }: OpenRound): SlotLayout {
    const { manifest } = live.published
    const query = queriesOf(manifest.plan)[state.query] as ReturnType<typeof queriesOf>[number]
    return slotLayoutOf(query, manifest.sites.length)
  }

  /** The parts are as many and as long as the plan has them, and their hashes are the ones that were signed. */
  #requireWhole(body: Body<'contribution'>, hashes: readonly Digest[], layout: SlotLayout): void {
    const { ring } = this.#parts
    const blocks = blockCount(ring, layout)
    if (hashes.length !== partCount(blocks))
      throw invalid('part_hashes', `a contribution has ${partCount(blocks)} parts here, not ${hashes.length}`)
    const bytes = hashes.reduce((sum, _, part) => sum + frameLength(ring, blocksOfPart(blocks, part)), 0)
    if (body.bytes !== bytes) throw invalid('bytes', `a contribution has ${bytes} bytes here, not ${body.bytes}`)
    if (partsDigest(hashes) !== body.ciphertext)
      throw invalid('part_hashes', 'the hashes of the parts are not those that were signed')
  }
}
