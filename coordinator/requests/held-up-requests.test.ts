import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { systemClock } from '@tributary/shared/system/clock'
import pino from 'pino'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { requestFacts, slowWorker } from '../../test/harness/request-queue.ts'
import { toyCohortWork } from '../../test/harness/toy-cohort-work.ts'
import { releaseFolder } from '../data-paths.ts'
import { CohortThread } from './cohort-thread.ts'
import { RequestRunner, type RequestRunnerParts } from './request-runner.ts'
import { RequestStore, requestsPath } from './request-store.ts'
import { RequestWaits } from './request-waits.ts'

const root = mkdtempSync(join(tmpdir(), 'tributary-held-'))
afterAll(() => rmSync(root, { recursive: true }))
let dataDir: string
let store: RequestStore
let lines: string[]
let now: number
beforeEach(() => {
  dataDir = mkdtempSync(join(root, 'case-'))
  mkdirSync(join(dataDir, 'releases'))
  store = RequestStore.open(requestsPath(dataDir))
  lines = []
  now = 1_000_000
  return () => store.close()
})

/** Time passes as it is slept away, a thousand times as fast. */
const clock: Clock = {
  ...systemClock,
  now: () => now,
  sleep: async (ms, signal) => {
    now += ms
    await systemClock.sleep(ms / 1000, signal)
  },
}
const left = () => readdirSync(join(dataDir, 'releases'))
const stateOf = (id: string) => store.request(id).progress

/** A runner at work until `meanwhile` is over. */
const running = async (
  parts: Pick<RequestRunnerParts, 'work' | 'hasRoom'>,
  meanwhile: (runner: RequestRunner) => Promise<void>,
): Promise<void> => {
  const end = new AbortController()
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const runner = new RequestRunner({ dataDir, store, clock, log, ...parts })
  const run = runner.run(end.signal)
  try {
    await meanwhile(runner)
  } finally {
    end.abort()
    await run
  }
}
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await systemClock.sleep(2)
}

describe('a request that is held up', () => {
  it('by a full disk waits with its reason, lets others pass, and is made once there is room', async () => {
    store.accept(requestFacts(0, { rows: 1_000_000 }))
    store.accept(requestFacts(1))
    const toy = toyCohortWork(dataDir)
    const starts: number[] = []
    let isFull = true
    const work = {
      release: async (...[facts, onProgress]: Parameters<typeof toy.release>) => {
        if (facts.id === 'req-0') starts.push(now)
        if (facts.id === 'req-0' && isFull) throw new CodedError('DISK_FULL', 'no space left')
        await toy.release({ ...facts, rows: 10 }, onProgress)
      },
    }
    await running({ work }, async () => {
      await until(() => stateOf('req-1').state === 'done')
      await until(() => starts.length === 4 && stateOf('req-0').state === 'queued')
      expect(stateOf('req-0')).toEqual({ state: 'queued', waitingFor: 'disk_space' })
      isFull = false
      await until(() => stateOf('req-0').state === 'done')
    })
    const pauses = starts.slice(1).map((time, n) => time - (starts[n] ?? 0))
    ;[5000, 10_000, 20_000].forEach((least, n) => expect(pauses[n]).toBeGreaterThanOrEqual(least))
    const told = lines.map((line) => JSON.parse(line)).filter(({ reason }) => reason === 'disk_space')
    expect(told[0]).toMatchObject({
      level: 50,
      request: 'req-0',
      code: 'DISK_FULL',
      why: 'no space left',
      again_ms: 5000,
    })
  })

  it('by too little room does not begin', async () => {
    store.accept(requestFacts(0))
    let room = false
    let begun = 0
    const toy = toyCohortWork(dataDir)
    const work = {
      release: async (...args: Parameters<typeof toy.release>) => {
        begun++
        await toy.release(...args)
      },
    }
    await running({ work, hasRoom: async () => room }, async () => {
      await until(() => stateOf('req-0').state === 'queued' && 'waitingFor' in stateOf('req-0'))
      expect([begun, left()]).toEqual([0, []])
      room = true
      await until(() => stateOf('req-0').state === 'done')
    })
  })

  it('by data that cannot be opened waits for its operator, however long it takes', async () => {
    store.accept(requestFacts(0))
    writeFileSync(join(dataDir, 'fault'), '')
    const work = new CohortThread(dataDir, new URL('../../test/harness/faulty-cohort-worker.ts', import.meta.url))
    const waits = () => lines.filter((line) => line.includes('"reason":"coordinator"'))
    await running({ work }, async () => {
      await until(() => waits().length >= 2)
      expect(stateOf('req-0')).toEqual({ state: 'queued', waitingFor: 'coordinator' })
      rmSync(join(dataDir, 'fault'))
      await until(() => stateOf('req-0').state === 'done')
    })
    await work.stop()
    // The operator reads the true reason.
    expect(JSON.parse(waits()[0] ?? '')).toMatchObject({
      level: 50,
      code: 'NOT_FOUND',
      place: { file: 'identity.pem' },
    })
  })

  it('is tried again after pauses that double, up to five minutes', () => {
    const waits = new RequestWaits()
    expect(Array.from({ length: 8 }, () => waits.add('a', 0) / 1000)).toEqual([5, 10, 20, 40, 80, 160, 300, 300])
    expect([waits.before(299_999), waits.before(300_000)]).toEqual([['a'], []])
    waits.forget('a')
    expect([waits.before(0), waits.add('a', 0)]).toEqual([[], 5000])
  })
})

describe('a request that is withdrawn', () => {
  it('while it is made: the worker stops, nothing of it stays, the next one is made', async () => {
    store.accept(requestFacts(0))
    store.accept(requestFacts(1))
    const work = new CohortThread(dataDir, slowWorker)
    await running({ work }, async (runner) => {
      await until(() => left().includes('rel-0.part'))
      expect((await runner.withdraw('req-0')).progress).toMatchObject({ state: 'cancelled' })
      expect(left().filter((name) => name.startsWith('rel-0'))).toEqual([])
      await until(() => stateOf('req-1').state === 'done')
    })
    await work.stop()
    expect(stateOf('req-0').state).toBe('cancelled')
    expect(left()).toEqual(['rel-1'])
  })

  it('in the very moment it is done: its folder goes too', async () => {
    store.accept(requestFacts(0))
    const toy = toyCohortWork(dataDir)
    const isMade = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const work = {
      release: async (...args: Parameters<typeof toy.release>) => {
        await toy.release(...args)
        isMade.resolve()
        await goOn.promise
      },
    }
    await running({ work }, async (runner) => {
      await isMade.promise
      expect(left()).toEqual(['rel-0'])
      const gone = runner.withdraw('req-0')
      goOn.resolve()
      await gone
      expect(left()).toEqual([])
    })
    expect(stateOf('req-0').state).toBe('cancelled')
  })

  it('before a crash removed its files: the next start does, and touches nothing else', async () => {
    for (const n of [0, 1, 2]) store.accept(requestFacts(n))
    const toy = toyCohortWork(dataDir)
    for (const n of [0, 1]) {
      await toy.release(requestFacts(n), () => {})
      store.advance(`req-${n}`, { kind: 'start' })
      store.advance(`req-${n}`, { kind: 'done', time: 1 })
    }
    mkdirSync(join(dataDir, 'releases', 'rel-2.part'))
    mkdirSync(join(dataDir, 'releases', 'not-ours'))
    store.advance('req-0', { kind: 'withdraw', time: 2 })
    store.advance('req-2', { kind: 'withdraw', time: 2 })
    await running({ work: toy }, () => until(() => left().length <= 2))
    expect(left().toSorted()).toEqual(['not-ours', 'rel-1'])
    expect(existsSync(releaseFolder(dataDir, 'rel-1'))).toBe(true)
  })
})
