import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { systemClock as clock } from '@tributary/shared/system/clock'
import pino from 'pino'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { filesBelow, requestFacts, slowWorker } from '../../test/harness/request-queue.ts'
import { toyCohortWork } from '../../test/harness/toy-cohort-work.ts'
import { releaseFolder } from '../data-paths.ts'
import { CohortThread, WorkerEnded } from './cohort-thread.ts'
import type { CohortWork } from './cohort-work.ts'
import { RequestRunner } from './request-runner.ts'
import { RequestStore, requestsPath } from './request-store.ts'

const root = mkdtempSync(join(tmpdir(), 'tributary-requests-'))
afterAll(() => rmSync(root, { recursive: true }))
let dataDir: string
let store: RequestStore
beforeEach(() => {
  dataDir = mkdtempSync(join(root, 'case-'))
  mkdirSync(join(dataDir, 'releases'))
  store = RequestStore.open(requestsPath(dataDir))
  return () => store.close()
})

const log = pino({ level: 'silent' })
/** Makes what is queued, until `enough` says so or nothing is left. */
const make = async (work: Pick<CohortWork, 'release'>, enough = () => store.next() === undefined): Promise<void> => {
  const end = new AbortController()
  const running = new RequestRunner({ dataDir, store, work, clock, log }).run(end.signal)
  while (!enough()) await clock.sleep(5)
  end.abort()
  if (work instanceof CohortThread) await work.stop()
  await running
}

const contents = (release: string): Record<string, string> => filesBelow(releaseFolder(dataDir, release))

describe('the queue of requests', () => {
  it('is made one at a time', async () => {
    for (const [number, user] of ['ada', 'bob', 'ada'].entries()) store.accept(requestFacts(number, { user }))
    const order: string[] = []
    let [now, most] = [0, 0]
    const toy = toyCohortWork(dataDir, () => clock.sleep(1))
    await make({
      release: async (request, onProgress) => {
        order.push(request.id)
        most = Math.max(most, ++now)
        await toy.release(request, onProgress)
        now--
      },
    })
    expect(order).toEqual(['req-0', 'req-1', 'req-2'])
    expect(most).toBe(1)
    expect(store.requests({ limit: 9 }).map(({ progress }) => progress.state)).toEqual(['done', 'done', 'done'])
  })

  it('keeps why one failed, and goes on with the next', async () => {
    store.accept(requestFacts(0))
    store.accept(requestFacts(1))
    const toy = toyCohortWork(dataDir)
    await make({
      release: async (request, onProgress) => {
        if (request.id === 'req-0') throw new CodedError('SUPPORT_TOO_SMALL', 'hardly anyone is like that')
        await toy.release(request, onProgress)
      },
    })
    expect(store.request('req-0').progress).toMatchObject({
      state: 'failed',
      error: {
        error_code: 'SUPPORT_TOO_SMALL',
        message: 'hardly anyone is like that',
        hint: expect.stringContaining('Widen'),
      },
    })
    expect(store.request('req-1').progress.state).toBe('done')
  })

  it('says how many rows of the running one are made', async () => {
    store.accept(requestFacts(0))
    const runner = new RequestRunner({
      dataDir,
      store,
      work: toyCohortWork(dataDir, () => clock.sleep(20)),
      clock,
      log,
    })
    const end = new AbortController()
    const running = runner.run(end.signal)
    const seen = new Set<number>()
    while (store.next() !== undefined) {
      seen.add(runner.rowsDone('req-0'))
      await clock.sleep(4)
    }
    end.abort()
    await running
    expect(seen.has(500)).toBe(true)
    expect(Math.max(...seen)).toBe(1000)
  })

  it('starts a request again after its worker was killed in the middle, to the same bytes', async () => {
    store.accept(requestFacts(0))
    await make(toyCohortWork(dataDir))
    const whole = contents('rel-0')

    store.close()
    rmSync(requestsPath(dataDir))
    rmSync(releaseFolder(dataDir, 'rel-0'), { recursive: true })
    store = RequestStore.open(requestsPath(dataDir))
    store.accept(requestFacts(0))
    const partExists = () => readdirSync(join(dataDir, 'releases')).includes('rel-0.part')
    await make(new CohortThread(dataDir, slowWorker), partExists) // the process ends
    expect(store.request('req-0').progress).toEqual({ state: 'running', starts: 1 })
    expect(readdirSync(join(dataDir, 'releases'))).toEqual(['rel-0.part'])

    store.close()
    store = RequestStore.open(requestsPath(dataDir))
    const thread = new CohortThread(dataDir, slowWorker)
    const killed = (async () => {
      while (!partExists()) await clock.sleep(5)
      await thread.stop() // the worker alone dies; the runner starts another
    })()
    await make(thread)
    await killed
    expect(store.request('req-0').progress.state).toBe('done')
    expect(contents('rel-0')).toEqual(whole)
  })

  it('finds a release that was complete when the process ended', async () => {
    store.accept(requestFacts(0))
    await toyCohortWork(dataDir).release(requestFacts(0), () => {})
    store.advance('req-0', { kind: 'start' })
    await make({ release: () => Promise.reject(new CodedError('ALREADY_EXISTS', 'there is such a folder')) })
    expect(store.request('req-0').progress.state).toBe('done')
  })

  it('gives up a request that kills every worker', async () => {
    store.accept(requestFacts(0))
    store.accept(requestFacts(1))
    let starts = 0
    const toy = toyCohortWork(dataDir)
    await make({
      release: async (request, onProgress) => {
        if (request.id === 'req-1') return toy.release(request, onProgress)
        starts++
        throw new WorkerEnded()
      },
    })
    expect(starts).toBe(5)
    expect(store.request('req-0').progress).toMatchObject({ state: 'failed', error: { error_code: 'INTERNAL' } })
    expect(store.request('req-1').progress.state).toBe('done')
  })

  it('waits out a store that fails', async () => {
    store.accept(requestFacts(0))
    let failures = 0
    const broken = new Proxy(store, {
      get: (target, name) => {
        if (name === 'next' && failures++ === 0)
          return () => {
            throw new CodedError('STORE_LOCKED', 'busy')
          }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const end = new AbortController()
    const running = new RequestRunner({
      dataDir,
      store: broken,
      work: toyCohortWork(dataDir),
      clock: { ...clock, sleep: (_ms, signal) => clock.sleep(1, signal) },
      log,
    }).run(end.signal)
    while (store.next() !== undefined) await clock.sleep(5)
    end.abort()
    await running
    expect(store.request('req-0').progress.state).toBe('done')
  })
})
