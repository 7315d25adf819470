import { existsSync } from 'node:fs'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Logger } from 'pino'
import { releaseFolder } from '../data-paths.ts'
import { WorkerEnded } from './cohort-thread.ts'
import type { CohortWork } from './cohort-work.ts'
import { hintOf, operatorFault, shownError } from './operator-fault.ts'
import { removeRelease, sweepReleases } from './release-removal.ts'
import type { RequestFacts, WaitReason } from './request-state.ts'
import type { RequestStore, StoredRequest } from './request-store.ts'
import { RequestWaits } from './request-waits.ts'

export interface RequestRunnerParts {
  readonly dataDir: string
  readonly store: RequestStore
  readonly work: Pick<CohortWork, 'release'>
  /** Whether the disk has room for a request's release; yes unless given. */
  readonly hasRoom?: (facts: RequestFacts) => Promise<boolean>
  readonly clock: Clock
  readonly log: Logger
}

/** How often a request is started before it is given up: one that kills its worker must not do so for ever. */
const mostStarts = 5
/** A look at the queue when nobody woke the runner. */
const idleMs = 1000

/** The request that is being made. */
interface Making {
  readonly id: string
  readonly stop: AbortController
  readonly ended: Promise<void>
}

/**
 * Makes the queued requests one at a time, as `RequestStore.next` orders them. A request in the making when the process ended is
 * started again; a folder that exists is complete, for it appears by one rename. One that a full disk or a fault of the
 * coordinator holds up stays in the queue, is passed over, and tried again after 5 s, 10 s, 20 s ... 5 min.
 */
export class RequestRunner {
  readonly #parts: RequestRunnerParts
  readonly #rowsDone = new Map<string, number>()
  readonly #waits = new RequestWaits()
  #making: Making | undefined
  #wake = new AbortController()

  constructor(parts: RequestRunnerParts) {
    this.#parts = parts
  }

  /** Rows of a running request so far. */
  rowsDone(id: string): number {
    return this.#rowsDone.get(id) ?? 0
  }

  /** There may be something in the queue. */
  wake(): void {
    this.#wake.abort()
  }

  /**
   * Cancels an unfinished request or deletes a release, and ends what was at work on it; on return no file of it is left. A
   * crash in the middle is made good at the next start, files that cannot be removed by another call. `changed` is called, before
   * any file goes, where this call made the difference. Throws `NOT_FOUND`.
   */
  async withdraw(
    id: string,
    changed: (before: StoredRequest, after: StoredRequest) => void = () => {},
  ): Promise<StoredRequest> {
    const { dataDir, store, clock, log } = this.#parts
    const before = store.request(id)
    const request = store.advance(id, { kind: 'withdraw', time: clock.now() })
    const { state } = request.progress
    if (state !== 'cancelled' && state !== 'deleted') return request
    if (before.progress.state !== state) changed(before, request)
    this.#waits.forget(id)
    if (this.#making?.id === id) {
      this.#making.stop.abort()
      await this.#making.ended
    }
    await removeRelease(dataDir, request.facts.release)
    log.info({ request: id, state }, 'a request was withdrawn')
    return request
  }

  /** Until `signal` aborts, between two requests; whoever aborts it in the middle of one also ends the worker. */
  async run(signal: AbortSignal): Promise<void> {
    const { dataDir, store, clock, log } = this.#parts
    await sweepReleases(dataDir, store).catch((thrown: unknown) => {
      const { code, message } = asCodedError(thrown)
      log.error({ code, why: message }, 'what is left of withdrawn requests could not be removed')
    })
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        const request = store.next(this.#waits.before(clock.now()))
        if (request !== undefined) await this.#make(request, signal)
        else await clock.sleep(idleMs, AbortSignal.any([signal, this.#wake.signal]))
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        log.error({ code, why: message }, 'the queue of requests could not be taken forward')
        await clock.sleep(idleMs, signal)
      }
    }
  }

  async #make(request: StoredRequest, signal: AbortSignal): Promise<void> {
    const { id } = request.facts
    const ended = Promise.withResolvers<void>()
    const stop = new AbortController()
    this.#making = { id, stop, ended: ended.promise }
    try {
      await this.#start(request, AbortSignal.any([signal, stop.signal]))
    } finally {
      this.#making = undefined
      this.#rowsDone.delete(id)
      ended.resolve()
    }
  }

  async #start({ facts, progress }: StoredRequest, signal: AbortSignal): Promise<void> {
    const { dataDir, store, work, clock, log } = this.#parts
    const { id, release } = facts
    const starts = progress.state === 'running' ? progress.starts : 0
    if (starts >= mostStarts) {
      this.#fail(id, new CodedError('INTERNAL', `making it ended ${starts} times without a result`))
      return
    }
    try {
      const isMade = existsSync(releaseFolder(dataDir, release))
      const hasRoom = isMade || ((await this.#parts.hasRoom?.(facts)) ?? true)
      if (signal.aborted) return
      if (!hasRoom) throw new CodedError('DISK_FULL', 'too little free space to begin')
      store.advance(id, { kind: 'start' })
      log.info({ request: id, starts: starts + 1 }, 'a request is being made')
      if (!isMade) await work.release(facts, (rowsDone) => this.#rowsDone.set(id, rowsDone), signal)
      if (store.request(id).progress.state !== 'running') return // withdrawn: whoever did so removes the files
      store.advance(id, { kind: 'done', time: clock.now() })
      this.#waits.forget(id)
      log.info({ request: id, release }, 'a request is done')
    } catch (thrown) {
      if (signal.aborted) return // withdrawn, or the next start of the coordinator takes it up
      const fault = operatorFault(thrown)
      if (fault?.waitsFor !== undefined) this.#wait(id, fault.waitsFor, fault.cause)
      else if (thrown instanceof WorkerEnded) log.error({ request: id }, thrown.message)
      else this.#fail(id, asCodedError(thrown))
    }
  }

  #wait(id: string, reason: WaitReason, { code, message, place }: CodedError): void {
    const { store, clock, log } = this.#parts
    store.advance(id, { kind: 'wait', reason })
    const ms = this.#waits.add(id, clock.now())
    log.error({ request: id, reason, code, why: message, place, again_ms: ms }, 'a request waits')
  }

  #fail(id: string, error: CodedError): void {
    const { store, clock, log } = this.#parts
    const shown = shownError(error)
    const told = { error_code: shown.code, message: shown.message, hint: hintOf(shown) }
    store.advance(id, { kind: 'failed', time: clock.now(), error: told })
    log.warn({ request: id, code: error.code, why: error.message, place: error.place }, 'a request failed')
  }
}
