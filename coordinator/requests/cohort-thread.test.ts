import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { requestFacts, slowWorker, toyStudy } from '../../test/harness/request-queue.ts'
import { CohortThread, WorkerEnded } from './cohort-thread.ts'

const faultyWorker = new URL('../../test/harness/faulty-cohort-worker.ts', import.meta.url)

const root = mkdtempSync(join(tmpdir(), 'tributary-thread-'))
afterAll(() => rmSync(root, { recursive: true }))
let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(root, 'case-'))
  mkdirSync(join(dataDir, 'releases'))
})

describe('a cohort thread', () => {
  it('carries errors over with code, words and place, and answers in order', async () => {
    const thread = new CohortThread(dataDir, slowWorker)
    const refused = thread.plan(toyStudy, { rows: 5, seed: 1, where: 'nonsense' })
    await expect(refused).rejects.toMatchObject({ code: 'CONDITION_INVALID', place: { field: 'where' } })
    const [plan, probe] = await Promise.all([
      thread.plan(toyStudy, { rows: 5, seed: 1 }),
      thread.probe(toyStudy, { rows: 2, seed: 3 }),
    ])
    expect(plan.rows).toBe(5)
    expect(probe.rows).toEqual([['0'], ['1']])
    await thread.stop()
  })

  it("refuses more of users' questions than it can soon answer, and counts its own as none", async () => {
    const thread = new CohortThread(dataDir, slowWorker)
    const own = Array.from({ length: 40 }, () => thread.describe(toyStudy))
    const asked = Array.from({ length: 17 }, () => thread.plan(toyStudy, { rows: 5, seed: 1 }))
    await expect(asked.at(-1)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    await expect(Promise.all(asked.slice(0, 16))).resolves.toHaveLength(16)
    await expect(Promise.all(own)).resolves.toHaveLength(40)
    await thread.stop()
  })

  it('that cannot open its data says so to all who wait, and opens anew for the next', async () => {
    writeFileSync(join(dataDir, 'fault'), '')
    const thread = new CohortThread(dataDir, faultyWorker)
    const asked = await Promise.allSettled([
      thread.describe(toyStudy),
      thread.plan(toyStudy, { rows: 5, seed: 1 }),
      thread.release(requestFacts(0), () => {}),
    ])
    for (const outcome of asked)
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'UNAVAILABLE', cause: { code: 'NOT_FOUND', message: `no keys in ${dataDir}` } },
      })
    for (const { reason } of asked as PromiseRejectedResult[]) expect(reason.message).not.toContain(dataDir)
    rmSync(join(dataDir, 'fault'))
    await expect(thread.plan(toyStudy, { rows: 5, seed: 1 })).resolves.toMatchObject({ rows: 5 })
    await thread.stop()
  })

  it('ends in the middle of a release when its signal says so, and serves on', async () => {
    const thread = new CohortThread(dataDir, slowWorker)
    const stop = new AbortController()
    const release = thread.release(requestFacts(0), () => stop.abort(), stop.signal)
    await expect(release).rejects.toBeInstanceOf(WorkerEnded)
    expect(readdirSync(join(dataDir, 'releases'))).toEqual(['rel-0.part'])
    await thread.release(requestFacts(0), () => {})
    expect(readdirSync(join(dataDir, 'releases'))).toEqual(['rel-0'])
    await thread.stop()
  })

  it('tells of a worker that cannot start', async () => {
    const file = join(dataDir, 'broken.mjs')
    writeFileSync(file, 'throw new Error("planted")')
    const thread = new CohortThread(dataDir, new URL(`file://${file}`))
    await expect(thread.describe(toyStudy)).rejects.toBeInstanceOf(WorkerEnded)
  })
})
