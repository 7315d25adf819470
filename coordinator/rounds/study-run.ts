import { queryOfStep, totalSteps } from '@tributary/shared/dp/steps'
import { asCodedError, CodedError, type ErrorCode } from '@tributary/shared/errors'
import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { Training, trainingSteps } from '../model/training.ts'
import { keepCounters } from './announced-counters.ts'
import { Attendance } from './attendance.ts'
import { logClosedRound } from './closed-round-log.ts'
import { isClosed, openRound, pendingEffect, type RoundEvent, type RoundState, step, waitsForModel } from './round.ts'
import { missed } from './round-absence.ts'
import type { RunTimes } from './round-store.ts'
import { afterRound, afterStop, type RunState, waitingRun } from './run.ts'
import type { StudyRunParts } from './study-run-parts.ts'
import { Waiters } from './waiters.ts'

/** What may be over by the next try; anything else ends the attempt. */
const passing = new Set<ErrorCode>(['DISK_FULL', 'STORE_LOCKED', 'STATE_CORRUPT', 'INTERRUPTED'])

/** Pause before an opening that failed for want of disk, say, is tried again. */
const retryOpenMs = 10_000

/**
 * Drives one study: performs what the pure machines in round.ts and run.ts decide, after their state is stored. Two rounds are
 * open at most: the current one, and from its answers on the next step's, so that sites deal and check while the sum is opened.
 */
export class StudyRun {
  readonly waiters = new Waiters()
  readonly #parts: StudyRunParts
  readonly #attendance: Attendance
  readonly #queries: ReturnType<typeof queriesOf>
  #run: RunState
  #training: Training
  #model: Digest
  #times: RunTimes
  #current: RoundState | null = null
  #ahead: RoundState | null = null
  #opening: Promise<void> | null = null
  #retryOpenAt = 0
  /** The round whose opening ended with `INTERNAL`, which its sites were charged for: it is opened again once, from the disk. */
  #diedIn: RoundId | null = null
  /** Why the run is being ended from outside. */
  #stopping: string | null = null

  private constructor(parts: StudyRunParts, run: RunState, training: Training, model: Digest, times: RunTimes) {
    this.#parts = parts
    this.#attendance = new Attendance(parts.published, parts.barred)
    this.#queries = queriesOf(parts.published.manifest.plan)
    this.#run = run
    this.#training = training
    this.#model = model
    this.#times = times
  }

  /** A new run waits for `start`; a stored one goes on where it stood, pending effects included. */
  static async open(parts: StudyRunParts): Promise<StudyRun> {
    const { published, store, models } = parts
    const stored = store.run(published.study)
    if (stored === undefined) {
      const training = Training.initial(published.manifest, published.seed)
      const run = waitingRun(published.study, queriesOf(published.manifest.plan))
      const model = await models.put(training.encode())
      store.saveRun(run, model, {})
      return new StudyRun(parts, run, training, model, {})
    }
    const training = Training.decode(published.manifest, await models.get(stored.model))
    const run = new StudyRun(parts, stored.state, training, stored.model, stored.times)
    if (stored.state.outcome === 'running') await run.#resume()
    return run
  }

  get state(): RunState {
    return this.#run
  }

  /** Rounds that sites may be asked about, the current one first. */
  get rounds(): readonly RoundState[] {
    return [this.#current, this.#ahead].filter((round) => round !== null)
  }

  /** Everybody has approved: begin. */
  async start(): Promise<void> {
    if (this.#run.outcome !== 'waiting') return
    this.#run = { ...this.#run, outcome: 'running' }
    this.#times = { ...this.#times, started: this.#parts.clock.now() }
    this.#parts.store.saveRun(this.#run, this.#model, this.#times)
    this.#parts.log.info({ study: this.#run.study }, 'run started')
    await this.#resume()
  }

  /** What the manifest says of every round, nobody absent or barred. */
  get terms() {
    return this.#attendance.terms
  }

  /** A site asked for work: it is waited for again. */
  heard(site: SiteId): void {
    this.#attendance.heard(site)
  }

  /** Throws `ROSTER_REFUSED` for a site that is not in the study, or no longer. */
  requireMember(site: SiteId): void {
    this.#attendance.requireMember(site)
  }

  /** Who is barred has changed: a round need not wait for somebody who may not come. */
  async reconsider(): Promise<void> {
    for (const { round: id } of this.rounds) {
      const round = this.rounds.find((each) => each.round === id)
      if (round !== undefined) await this.dispatch(round, { type: 'tick' })
    }
  }

  /** Ends the run for good. A sum whose answers are in is opened first: ask again at the next look. */
  async stop(reason: string): Promise<void> {
    if (this.#run.outcome === 'completed' || this.#run.outcome === 'stopped') return
    if (this.#current?.phase === 'opening') return
    this.#stopping = reason
    if (this.#current !== null && !isClosed(this.#current))
      return await this.dispatch(this.#current, { type: 'failed', reason })
    const run = afterStop(this.#run, null, reason)
    this.#parts.store.saveRun(run, this.#model, { ...this.#times, finished: this.#parts.clock.now() })
    this.#run = run
    this.waiters.wake()
  }

  /** Applies an event to a round, storing `alongside` in the same transaction; then performs the effects. */
  async dispatch(round: RoundState, event: RoundEvent, alongside?: () => void): Promise<void> {
    const known = this.rounds.find((each) => each.round === round.round)
    if (known === undefined) throw new CodedError('ROUND_REFUSED', 'this round is closed')
    const isChecking = known.phase === 'checking'
    const terms = { ...this.#attendance.termsNow(), ...(isChecking && { distrusted: this.#parts.distrusted(known) }) }
    const { state, effects } = step(known, event, terms, this.#parts.clock.now())
    if (state === known && alongside === undefined) return
    this.#parts.store.transaction(() => {
      alongside?.()
      this.#parts.store.saveRound(this.#run.study, state)
    })
    if (known === this.#current) this.#current = state
    else this.#ahead = state
    this.#attendance.missed(missed(known, state, terms))
    if (effects.length > 0) await this.#settle()
    this.waiters.wake()
  }

  async tick(): Promise<void> {
    if (this.#current?.phase === 'opening' && this.#parts.clock.now() >= this.#retryOpenAt) await this.#settle()
    if (this.#current !== null && waitsForModel(this.#current)) await this.#enterStep()
    // A write that failed while a round was being sifted or closed left that still to do.
    const isLeft = this.rounds.some(({ phase }) => phase === 'sifting' || phase === 'announcing')
    if (isLeft || (this.#current !== null && isClosed(this.#current))) await this.#settle()
    for (const { round: id } of this.rounds) {
      // Looked up again: the round before it may have closed it, or ended the run.
      const round = this.rounds.find((each) => each.round === id)
      if (round === undefined || isClosed(round)) continue
      // A verdict over an earlier attempt may have been waited for.
      if (round.phase === 'checking' || this.#parts.clock.now() >= round.deadline)
        await this.dispatch(round, { type: 'tick' })
    }
  }

  /** Waits for an opening in progress, so that a stop leaves nothing half done. */
  async finish(): Promise<void> {
    this.waiters.wake()
    await this.#opening
  }

  async #resume(): Promise<void> {
    await this.#enterStep()
    await this.#settle()
    this.waiters.wake()
  }

  /** Brings up the round of the run's step and attempt, with the model it is for. */
  async #enterStep(): Promise<void> {
    const { step: at, attempt } = this.#run
    const reused = this.#ahead?.step === at && this.#ahead.attempt === attempt ? this.#ahead : null
    const round = reused ?? this.#roundAt(at, attempt)
    this.#current = round
    if (reused !== null) this.#ahead = null
    else await this.dispatch(round, { type: 'resumed' })
    if (waitsForModel(round)) {
      const model = await this.#parts.models.put(this.#training.parameters(at, this.#parts.published.manifest))
      // Withdrawals may have ended the attempt meanwhile.
      if (this.rounds.some((each) => each.round === round.round)) await this.dispatch(round, { type: 'model', model })
    }
  }

  #roundAt(at: number, attempt: number): RoundState {
    const { store, published, clock } = this.#parts
    const stored = store.round(published.study, at, attempt)
    if (stored !== undefined) return stored
    const round = roundIdOf(published.study, at, attempt)
    const { query } = queryOfStep(this.#queries, at)
    // Fixed for the attempt: every dealer seals to the same keys, so a holder who cannot open a box has no excuse.
    const holders = this.#parts.keyed(epochOf(at))
    const state = openRound({ round, query, step: at, attempt }, { ...this.terms, holders }, clock.now())
    store.saveRound(published.study, state)
    return state
  }

  /** Performs the effects of the current state until it waits for the outside again. */
  async #settle(): Promise<void> {
    const sifting = () => this.rounds.find(({ phase }) => phase === 'sifting')
    for (let due = sifting(); due !== undefined; due = sifting())
      await this.dispatch(due, { type: 'sifted', disputed: this.#parts.sift(due) })
    const round = this.#current
    if (round === null) return
    const effect = pendingEffect(round)
    if (effect?.type === 'announce') {
      const { published, store } = this.#parts
      await this.dispatch(round, { type: 'announced' }, () => keepCounters(published, round, store))
      if (round.step + 1 < totalSteps(this.#queries)) this.#ahead ??= this.#roundAt(round.step + 1, 0)
    } else if (effect?.type === 'open') {
      this.#opening ??= this.#open(round)
        .catch((thrown: unknown) =>
          this.#parts.log.error({ code: asCodedError(thrown).code }, 'a round was not closed'),
        )
        .finally(() => {
          this.#opening = null
        })
    } else if (isClosed(round) && round === this.#current) {
      await this.#close(round)
    }
  }

  async #open(round: RoundState): Promise<void> {
    const { published, models, log } = this.#parts
    const before = { training: this.#training, model: this.#model }
    let isFitting = false
    try {
      const { sum, suspects } = await this.#parts.open(published, round)
      if (suspects.length > 0) log.warn({ round: round.round, suspects }, 'answers disagree')
      const { manifest } = published
      const after = await this.#training.after(round.step, sum, manifest)
      isFitting = round.step + 1 === trainingSteps(manifest)
      const training = await (isFitting ? await this.#parts.finish(after) : after).readyFor(round.step + 1, manifest)
      const model = await models.put(training.encode())
      this.#training = training
      this.#model = model
      // One transaction: a run whose round is open has the model that the round led to.
      await this.dispatch(round, { type: 'opened' }, () => this.#parts.store.saveRun(this.#run, model, this.#times))
    } catch (thrown) {
      const error = asCodedError(thrown)
      const isFirstDeath = error.code === 'INTERNAL' && this.#diedIn !== round.round
      if (isFirstDeath) this.#diedIn = round.round
      // A sum that opened is sound: its attempt is not given up for a fit that fails, unless the operator wants the study to stop.
      if (passing.has(error.code) || isFirstDeath || (isFitting && this.#stopping === null)) {
        // A full disk, a locked store or a thread that died is not the round's fault: it stays due, and is tried again.
        if (this.#current?.phase === 'opening') {
          this.#training = before.training
          this.#model = before.model
        }
        this.#retryOpenAt = this.#parts.clock.now() + retryOpenMs
        log.error({ code: error.code, why: error.message, round: round.round }, 'opening failed, will be tried again')
        return
      }
      await this.dispatch(round, { type: 'failed', reason: `${error.code}: ${error.message}` })
    }
  }

  async #close(round: RoundState): Promise<void> {
    const { store, models, contributions, clock, log } = this.#parts
    // Events of the round dealt ahead arrive while this one is being closed: once is enough.
    if (this.#run.outcome !== 'running') return
    if (round.step !== this.#run.step || round.attempt !== this.#run.attempt) return
    const run =
      this.#stopping === null || round.phase === 'opened'
        ? afterRound(this.#run, round, this.#queries)
        : afterStop(this.#run, round, this.#stopping)
    const { health } = this.#training
    const times = {
      ...this.#times,
      ...(health !== null && { health }),
      ...(round.phase === 'opened' && round.step + 1 === this.#queries[0]?.steps && { marginals: clock.now() }),
      ...(run.outcome !== 'running' && { finished: clock.now() }),
    }
    store.transaction(() => {
      store.saveRun(run, this.#model, times)
      store.forget(round.round)
    })
    logClosedRound(log, round, this.#times.health, health)
    this.#run = run
    this.#times = times
    await Promise.all([
      contributions.keepOnly(new Set(this.rounds.filter((each) => !isClosed(each)).map((each) => each.round))),
      models.keepOnly(new Set([this.#model])),
    ]).catch((thrown: unknown) =>
      log.warn({ code: asCodedError(thrown).code }, 'old files of the run were not removed'),
    )
    if (this.#run.outcome !== 'running') {
      this.#current = null
      this.#ahead = null
      return
    }
    await this.#enterStep()
    await this.#settle()
  }
}
