import { existsSync } from 'node:fs'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Logger } from 'pino'
import type { CohortWork } from './cohort-work.ts'
import { releaseFolder } from '../data-paths.ts'
import { WorkerEnded } from './cohort-thread.ts'
import type { RequestError } from './request-state.ts'
import type { RequestStore, StoredRequest } from './request-store.ts'

export interface RequestRunnerParts {
  readonly dataDir: string
  readonly store: RequestStore
  readonly work: Pick<CohortWork, 'release'>
  readonly clock: Clock
  readonly log: Logger
}

/** How often a request is started before it is given up: one that kills its worker must not do so for ever. */
const mostStarts = 5
/** A look at the queue when nobody woke the runner. */
const idleMs = 1000

/**
 * Makes the queued requests, one at a time, in the order in which they came. A request in the making when the process ended is
 * started again; a folder that exists is complete, for it appears by one rename.
 */
export class RequestRunner {
  readonly #parts: RequestRunnerParts
  readonly #rowsDone = new Map<string, number>()
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

  /** Until `signal` aborts, between two requests; whoever aborts it in the middle of one also ends the worker. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#parts
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        const request = store.next()
        if (request !== undefined) await this.#make(request, signal)
        else await clock.sleep(idleMs, AbortSignal.any([signal, this.#wake.signal]))
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        log.error({ code, why: message }, 'the queue of requests could not be taken forward')
        await clock.sleep(idleMs, signal)
      }
    }
  }

  async #make({ facts, progress }: StoredRequest, signal: AbortSignal): Promise<void> {
    const { dataDir, store, work, clock, log } = this.#parts
    const { id, release } = facts
    const starts = progress.state === 'running' ? progress.starts : 0
    if (starts >= mostStarts) {
      this.#fail(id, new CodedError('INTERNAL', `making it ended ${starts} times without a result`))
      return
    }
    store.advance(id, { kind: 'start' })
    log.info({ request: id, starts: starts + 1 }, 'a request is being made')
    try {
      if (!existsSync(releaseFolder(dataDir, release)))
        await work.release(facts, (rowsDone) => this.#rowsDone.set(id, rowsDone))
      store.advance(id, { kind: 'done', time: clock.now() })
      log.info({ request: id, release }, 'a request is done')
    } catch (thrown) {
      if (signal.aborted) return // the next start of the coordinator takes it up
      if (thrown instanceof WorkerEnded) log.error({ request: id }, thrown.message)
      else this.#fail(id, asCodedError(thrown))
    } finally {
      this.#rowsDone.delete(id)
    }
  }

  #fail(id: string, { code, message, help }: CodedError): void {
    const { store, clock, log } = this.#parts
    const error: RequestError = { error_code: code, message, hint: help }
    store.advance(id, { kind: 'failed', time: clock.now(), error })
    log.warn({ request: id, code }, 'a request failed')
  }
}
