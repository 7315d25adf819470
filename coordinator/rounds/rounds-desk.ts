import { CodedError } from '@tributary/shared/errors'
import { type FrameRing, openFrame } from '@tributary/shared/he/frame'
import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { epochOf } from '@tributary/shared/study/epoch'
import { type Body, openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox, NextRequest, Task, UploadPart, UploadState } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import { type IdentityKey, PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'
import type { Disputes } from '../disputes/disputes.ts'
import type { LiveStudy, StudyRuns } from '../studies/study-runs.ts'
import type { PublishedStudy, StudyStore } from '../studies/study-store.ts'
import { OpenRounds } from './open-rounds.ts'
import type { RoundState } from './round.ts'
import { announcementOf, broadcastOf, kept, openRoundBody } from './round-messages.ts'
import type { RoundStore } from './round-store.ts'
import { Uploads } from './uploads.ts'

interface DeskParts {
  readonly runs: StudyRuns
  readonly studies: StudyStore
  readonly store: RoundStore
  readonly disputes: Disputes
  readonly ring: FrameRing
  readonly identity: IdentityKey
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Where sites bring what a round needs and learn what is next. Every message is opened under the roster's key for its site,
 * checked against the attempt, stored, and only then counted. A message sent again is accepted if its bytes are the same.
 */
export class RoundsDesk {
  readonly #parts: DeskParts
  readonly #rounds: OpenRounds
  readonly #uploads: Uploads

  constructor(parts: DeskParts) {
    this.#parts = parts
    this.#rounds = new OpenRounds(parts.runs, parts.store)
    this.#uploads = new Uploads({ open: this.#rounds, store: parts.store, ring: parts.ring, log: parts.log })
  }

  async next(site: SiteId, { study, waitMs }: NextRequest, signal: AbortSignal): Promise<Task> {
    const { run } = this.#parts.runs.forAsker(study, site)
    run.heard(site)
    const patience = AbortSignal.any([signal, this.#timeout(waitMs, signal)])
    for (;;) {
      const woken = run.waiters.wait(patience)
      const task = this.#task(site, this.#parts.runs.forAsker(study, site))
      if (task.kind !== 'wait' || patience.aborted) return task
      await woken
    }
  }

  /** A deal that comes after the deals were counted changes nothing. */
  async deal(site: SiteId, message: SignedMessage, boxes: readonly Uint8Array[]): Promise<void> {
    const { store } = this.#parts
    const { live, state } = this.#rounds.open(site, message)
    const body = openRoundBody('deal', message, site, live.published, state)
    const { holders } = live.run.terms
    const isComplete =
      body.boxes.length === holders.length &&
      boxes.length === holders.length &&
      body.boxes.every(({ to, box }, i) => to === holders[i] && hashBytes(boxes[i] as Uint8Array) === box)
    if (!isComplete) throw new CodedError('BOX_INVALID', 'a deal has one box for every holder, in order, as signed')
    const epoch = epochOf(state.step)
    if (body.epoch !== epoch) throw new CodedError('BOX_INVALID', `this attempt is dealt for in epoch ${epoch}`)
    requireSigned(body.seen, live.published)
    if (state.phase !== 'dealing' && store.message(state.round, 'deal', site) === undefined) return
    await live.run.dispatch(state, { type: 'dealt', site }, () => {
      store.keep(state.round, 'deal', site, message)
      for (const [i, box] of boxes.entries()) store.keepBox(state.round, site, holders[i] as SiteId, box)
    })
  }

  /** The weights of the round's broadcast. Throws `NOT_FOUND` for a round that is not open. */
  async *model(site: SiteId, round: RoundId): AsyncIterable<Uint8Array> {
    const { live, state } = this.#rounds.find(site, round)
    if (state.model === null) throw new CodedError('NOT_FOUND', 'this round has no model yet')
    yield* live.models.stream(state.model)
  }

  /**
   * What was dealt in a round that is open, whose holders may have to answer after a restart; and the disputed deals of any round
   * whose boxes the site is asked to open.
   */
  async boxes(site: SiteId, round: RoundId): Promise<readonly DealtBox[]> {
    const { store, disputes } = this.#parts
    const disputed = disputes.boxes(round, site)
    if (disputed.length > 0 && !this.#rounds.isOpen(round)) return disputed
    const { state } = this.#rounds.find(site, round)
    const boxes = new Map(store.boxes(round, site).map(({ dealer, box }) => [dealer, box]))
    const dealt = state.dealers.map((dealer) => ({
      deal: kept(store, state, 'deal', dealer),
      box: boxes.get(dealer) ?? new Uint8Array(0),
    }))
    return [...dealt, ...disputed.filter(({ deal }) => !state.dealers.some((dealer) => dealer === deal.signer))]
  }

  async check(site: SiteId, message: SignedMessage): Promise<void> {
    const { live, state } = this.#rounds.open(site, message)
    const body = openRoundBody('check', message, site, live.published, state)
    if (this.#rounds.isRepeated(state, 'checking', 'check', site, message)) return
    if (!state.holders.includes(site)) throw new CodedError('ROUND_REFUSED', `${site} holds no shares in this attempt`)
    const { store } = this.#parts
    requireWhole(body.checks, state, store)
    await live.run.dispatch(state, { type: 'checked', site }, () => store.keep(state.round, 'check', site, message))
  }

  offer(site: SiteId, message: SignedMessage, partHashes: readonly Digest[]): Promise<UploadState> {
    return this.#uploads.offer(site, message, partHashes)
  }

  parts(site: SiteId, round: RoundId, parts: AsyncIterable<UploadPart>): Promise<UploadState> {
    return this.#uploads.parts(site, round, parts)
  }

  async answer(site: SiteId, message: SignedMessage): Promise<void> {
    const { live, state } = this.#rounds.open(site, message)
    const body = openRoundBody('answer', message, site, live.published, state)
    if (this.#rounds.isRepeated(state, 'answering', 'answer', site, message)) return
    const announcement = announcementOf(live.published, state, this.#parts.store, this.#parts.identity)
    if (!state.holders.includes(site)) throw new CodedError('ROUND_REFUSED', `${site} holds no shares in this attempt`)
    if (body.announcement !== hashBytes(announcement.body))
      throw new CodedError('ROUND_REFUSED', 'the answer is for another contributor set')
    openFrame(this.#parts.ring, body.share, 1)
    await live.run.dispatch(state, { type: 'answered', site }, () =>
      this.#parts.store.keep(state.round, 'answer', site, message),
    )
  }

  async withdraw(site: SiteId, message: SignedMessage): Promise<void> {
    const { live, state } = this.#rounds.open(site, message)
    openRoundBody('withdrawal', message, site, live.published, state)
    await live.run.dispatch(state, { type: 'withdrew', site })
  }

  async openDeal(site: SiteId, message: SignedMessage): Promise<void> {
    this.#aboutDispute(site, message, (disputes) => disputes.openDeal(site, message))
  }

  async openBox(site: SiteId, message: SignedMessage): Promise<void> {
    this.#aboutDispute(site, message, (disputes) => disputes.openBox(site, message))
  }

  /** The round may be closed by now, and the study over. */
  #aboutDispute(site: SiteId, message: SignedMessage, work: (disputes: Disputes) => void): void {
    const { disputes, runs } = this.#parts
    const { run } = runs.forAsker(disputes.studyOf(message), site)
    work(disputes)
    run.waiters.wake()
  }

  /**
   * What others wait for comes first; a disputed deal is opened before its dealer makes another, while it still has the keys. A
   * site that a dispute may still need is not told yet that the study is over.
   */
  #task(site: SiteId, { published, run }: LiveStudy): Task {
    const { disputes } = this.#parts
    const { study } = published
    const { outcome, reason } = run.state
    const isOver = outcome === 'completed' || outcome === 'stopped'
    if (isOver && !disputes.mayAsk(study, site)) return { kind: 'finished', study, outcome, reason: reason ?? '' }
    const rounds = isOver ? [] : run.rounds
    for (const state of rounds) {
      const task = this.#answerOf(site, published, state) ?? this.#contributionOf(site, published, state)
      if (task !== null) return task
    }
    for (const { phase, holders, checked, step, attempt } of rounds)
      if (phase === 'checking' && holders.includes(site) && !checked.includes(site))
        return { kind: 'check', study, step, attempt }
    return disputes.task(study, site) ?? this.#dealOf(site, published, rounds) ?? { kind: 'wait' }
  }

  #answerOf(site: SiteId, published: PublishedStudy, state: RoundState): Task | null {
    const { store, identity } = this.#parts
    const isDue = state.phase === 'answering' && state.holders.includes(site) && !state.answered.includes(site)
    return isDue ? { kind: 'answer', announcement: announcementOf(published, state, store, identity) } : null
  }

  #contributionOf(site: SiteId, published: PublishedStudy, state: RoundState): Task | null {
    const { store, identity } = this.#parts
    const { phase, dealers, withdrawn, contributors } = state
    const isOut = withdrawn.includes(site) || contributors.includes(site)
    if (phase !== 'contributing' || isOut || !dealers.includes(site)) return null
    return { kind: 'contribute', broadcast: broadcastOf(published, state, store, identity) }
  }

  /** Only the keys of the attempt's holders, the same to every dealer: a later key would make a box that its deal has not. */
  #dealOf(site: SiteId, { study }: PublishedStudy, rounds: readonly RoundState[]): Task | null {
    for (const { phase, dealers, withdrawn, holders, step, attempt } of rounds) {
      if (phase !== 'dealing' || withdrawn.includes(site) || dealers.includes(site)) continue
      const brought = this.#parts.studies.boxKeys(study, epochOf(step))
      const boxKeys = brought.filter((each) => holders.includes(each.site)).map(({ message }) => message)
      return { kind: 'deal', study, step, attempt, boxKeys }
    }
    return null
  }

  #timeout(ms: number, signal: AbortSignal): AbortSignal {
    const timeout = new AbortController()
    void this.#parts.clock.sleep(ms, signal).then(() => timeout.abort())
    return timeout.signal
  }
}

/** A deal that a check leaves out, or takes for another, would look as if it were disputed. */
const requireWhole = (checks: Body<'check'>['checks'], state: RoundState, store: RoundStore): void => {
  const refuse = (why: string, field: string): never => {
    throw new CodedError('ROUND_REFUSED', `${why}: a check says one thing of every deal, in order of the dealers`, {
      place: { field },
    })
  }
  const { dealers } = state
  if (checks.length !== dealers.length) refuse(`${checks.length} deals, not ${dealers.length}`, 'checks')
  for (const [i, { site, deal }] of checks.entries()) {
    if (site !== dealers[i]) refuse(`not the deal of ${dealers[i]}`, `checks[${i}].site`)
    if (deal !== hashBytes(kept(store, state, 'deal', site).body)) refuse(`not what ${site} dealt`, `checks[${i}].deal`)
  }
}

/**
 * A deal tells of other sites in their own signed words only: each would refuse a deal with a forged one, and look as if it lied
 * about its box. Throws what `openBody` throws.
 */
const requireSigned = (
  seen: readonly { readonly site: SiteId; readonly body: Uint8Array; readonly signature: Uint8Array }[],
  { roster }: PublishedStudy,
): void => {
  for (const { site, body, signature } of seen) {
    const message = { protocol: PROTOCOL_VERSION, kind: 'contribution', signer: site, body, signature }
    openBody('contribution', message, memberOf(roster, site))
  }
}
