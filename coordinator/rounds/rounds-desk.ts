import { CodedError } from '@tributary/shared/errors'
import { frameLength, openFrame } from '@tributary/shared/he/frame'
import { blockCount } from '@tributary/shared/he/slots'
import type { Ring } from '@tributary/shared/he/ring'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { messageBytes } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox, NextRequest, Task } from '@tributary/shared/wire/federation-api'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import type { LiveStudy, StudyRuns } from '../studies/study-runs.ts'
import type { StudyStore } from '../studies/study-store.ts'
import type { RoundPhase, RoundState } from './round.ts'
import { announcementOf, broadcastOf, kept, openRoundBody } from './round-messages.ts'
import type { RoundMessage, RoundStore } from './round-store.ts'

interface DeskParts {
  readonly runs: StudyRuns
  readonly studies: StudyStore
  readonly store: RoundStore
  readonly ring: Ring
  readonly identity: IdentityKey
  readonly clock: Clock
}

/**
 * Where sites bring what a round needs and learn what is next. Every message is opened under the roster's key for its site,
 * checked against the attempt, stored, and only then counted. A message sent again is accepted if its bytes are the same.
 */
export class RoundsDesk {
  readonly #parts: DeskParts

  constructor(parts: DeskParts) {
    this.#parts = parts
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

  async deal(site: SiteId, message: SignedMessage, boxes: readonly Uint8Array[]): Promise<void> {
    const { live, state } = this.#open(site, message)
    const body = openRoundBody('deal', message, site, live.published, state)
    const { sites } = live.run.terms
    const isComplete =
      body.boxes.length === sites.length &&
      boxes.length === sites.length &&
      body.boxes.every(({ to, box }, i) => to === sites[i] && hashBytes(boxes[i] as Uint8Array) === box)
    if (!isComplete) throw new CodedError('BOX_INVALID', 'a deal has one box for every site, in order, as signed')
    await live.run.dispatch(state, { type: 'dealt', site }, () => {
      this.#parts.store.keep(state.round, 'deal', site, message)
      for (const [i, box] of boxes.entries()) this.#parts.store.keepBox(state.round, site, sites[i] as SiteId, box)
    })
  }

  /** The weights of the round's broadcast. Throws `NOT_FOUND` for a round that is not open. */
  async *model(site: SiteId, round: RoundId): AsyncIterable<Uint8Array> {
    const { live, state } = this.#find(site, round)
    if (state.model === null) throw new CodedError('NOT_FOUND', 'this round has no model yet')
    yield* live.models.stream(state.model)
  }

  async boxes(site: SiteId, round: RoundId): Promise<readonly DealtBox[]> {
    const { state } = this.#find(site, round)
    return this.#parts.store
      .boxes(round, site)
      .map(({ dealer, box }) => ({ deal: kept(this.#parts.store, state, 'deal', dealer), box }))
  }

  async contribute(
    site: SiteId,
    message: SignedMessage,
    size: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { live, state } = this.#open(site, message)
    const body = openRoundBody('contribution', message, site, live.published, state)
    if (this.#isRepeated(state, 'contributing', 'contribution', site, message)) return
    if (body.model !== state.model) throw new CodedError('ROUND_REFUSED', 'the contribution is for another model')
    if (body.deal !== hashBytes(kept(this.#parts.store, state, 'deal', site).body))
      throw new CodedError('ROUND_REFUSED', 'the contribution names another deal')
    const expected = frameLength(this.#parts.ring, this.#blocks(live, state))
    if (size !== expected || body.bytes !== expected)
      throw new CodedError('FRAME_INVALID', `a contribution has ${expected} bytes here, not ${size}`)
    const bytes = await gather(chunks, size)
    // Before it counts: a frame that cannot be added is refused here, to its sender.
    openFrame(this.#parts.ring, bytes, this.#blocks(live, state))
    if (hashBytes(bytes) !== body.ciphertext)
      throw new CodedError('FRAME_INVALID', 'the sealed bytes are not those that were signed')
    await live.contributions.put(bytes)
    await live.run.dispatch(state, { type: 'contributed', site }, () =>
      this.#parts.store.keep(state.round, 'contribution', site, message),
    )
  }

  async answer(site: SiteId, message: SignedMessage): Promise<void> {
    const { live, state } = this.#open(site, message)
    const body = openRoundBody('answer', message, site, live.published, state)
    if (this.#isRepeated(state, 'answering', 'answer', site, message)) return
    const announcement = announcementOf(live.published, state, this.#parts.store, this.#parts.identity)
    if (body.announcement !== hashBytes(announcement.body))
      throw new CodedError('ROUND_REFUSED', 'the answer is for another contributor set')
    openFrame(this.#parts.ring, body.share, 1)
    await live.run.dispatch(state, { type: 'answered', site }, () =>
      this.#parts.store.keep(state.round, 'answer', site, message),
    )
  }

  async withdraw(site: SiteId, message: SignedMessage): Promise<void> {
    const { live, state } = this.#open(site, message)
    openRoundBody('withdrawal', message, site, live.published, state)
    await live.run.dispatch(state, { type: 'withdrew', site })
  }

  #task(site: SiteId, { published, run }: LiveStudy): Task {
    const { store, identity, studies } = this.#parts
    const { outcome, reason } = run.state
    if (outcome === 'completed' || outcome === 'stopped')
      return { kind: 'finished', study: published.study, outcome, reason: reason ?? '' }
    for (const state of run.rounds) {
      if (state.phase === 'answering' && !state.answered.includes(site))
        return { kind: 'answer', announcement: announcementOf(published, state, store, identity) }
      const isOut = state.withdrawn.includes(site)
      if (
        state.phase === 'contributing' &&
        !isOut &&
        state.dealers.includes(site) &&
        !state.contributors.includes(site)
      )
        return { kind: 'contribute', broadcast: broadcastOf(published, state, store, identity) }
      if (state.phase === 'dealing' && !isOut && !state.dealers.includes(site)) {
        const boxKeys = studies.statements(published.study, 'box-keys').map(({ message }) => message)
        return { kind: 'deal', study: published.study, step: state.step, attempt: state.attempt, boxKeys }
      }
    }
    return { kind: 'wait' }
  }

  #timeout(ms: number, signal: AbortSignal): AbortSignal {
    const timeout = new AbortController()
    void this.#parts.clock.sleep(ms, signal).then(() => timeout.abort())
    return timeout.signal
  }

  #blocks({ published }: LiveStudy, state: RoundState): number {
    const { manifest } = published
    const query = queriesOf(manifest.plan)[state.query] as ReturnType<typeof queriesOf>[number]
    return blockCount(this.#parts.ring, slotLayoutOf(query, manifest.sites.length))
  }

  /** True for bytes that were counted before. Throws `ROUND_REFUSED` for new ones outside the phase that they belong to. */
  #isRepeated(state: RoundState, phase: RoundPhase, kind: RoundMessage, site: SiteId, message: SignedMessage): boolean {
    const earlier = this.#parts.store.message(state.round, kind, site)
    if (earlier !== undefined && Buffer.compare(messageBytes(earlier), messageBytes(message)) === 0) return true
    if (state.phase !== phase) throw new CodedError('ROUND_REFUSED', `this round takes no ${kind} now`)
    return false
  }

  /** The open round that a message says it is for; its signature is checked by the caller against exactly this round. */
  #open(site: SiteId, message: SignedMessage): { live: LiveStudy; state: RoundState } {
    const named = roundNamed(message)
    for (const live of this.#parts.runs.all()) {
      if (!live.run.terms.sites.includes(site)) continue
      const state = live.run.rounds.find((each) => each.round === named)
      if (state === undefined) continue
      live.run.requireMember(site)
      return { live, state }
    }
    throw new CodedError('ROUND_REFUSED', 'this message is for no open round')
  }

  #find(site: SiteId, round: RoundId): { live: LiveStudy; state: RoundState } {
    for (const live of this.#parts.runs.all()) {
      if (!live.run.terms.sites.includes(site)) continue
      const state = live.run.rounds.find((each) => each.round === round)
      if (state === undefined) continue
      live.run.requireMember(site)
      return { live, state }
    }
    throw new CodedError('NOT_FOUND', 'this round is not open')
  }
}

/** Only where to look: the signature, and every field of the attempt, are checked afterwards. */
const roundNamed = (message: SignedMessage): unknown => {
  const body = decodeCanonical(message.body)
  return typeof body === 'object' && body !== null && 'round' in body ? body.round : undefined
}

const gather = async (chunks: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> => {
  const bytes = new Uint8Array(size)
  let offset = 0
  for await (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
