import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tableStudy } from '../../test/harness/table-study.ts'
import { integersOf } from './contribution.ts'
import { QueryThread } from './query-thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-query-thread-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'table.csv')
let manifest: Manifest
let parameters: Float32Array
beforeAll(() => {
  manifest = tableStudy({
    columns: Array.from(
      { length: 12 },
      (_, i) => `{ name: c${i}, kind: categorical, levels: [p, q, r, s, t, u, v, w] }`,
    ),
    delta: 1e-6,
    family: 'hidden: 96, steps: 2, sampling_rate: 0.25',
    spares: 0,
    patients: 8000,
    rows: 8000,
  })
  parameters = new Float32Array(networkOfStudy(manifest).dimension).fill(0.01)
  const names = Array.from({ length: 12 }, (_, i) => `c${i}`)
  const rows = Array.from(
    { length: 8000 },
    (_, r) => `k${r},${names.map((_, i) => 'pqrstuvw'[(r * (i + 1)) % 8]).join()}`,
  )
  writeFileSync(path, `who,${names.join()}\n${rows.join('\n')}\n`)
})

const threadOver = (file: string, ...worker: URL[]) =>
  QueryThread.open({ manifest, site: 'north', source: { ...manifest.source, path: file } }, ...worker)
let thread: QueryThread
beforeAll(async () => {
  thread = await threadOver(path)
  return () => thread.close()
})
const order = (queryIndex: number) => ({ manifest, site: 'north', queryIndex, parameters })

/** Turns of the main loop until the worker stands at its gate, and a hundred more while it does. */
const heldAt = async (gate: Int32Array) => {
  while (Atomics.load(gate, 0) !== 1) await setImmediate()
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(Atomics.load(gate, 0)).toBe(1)
}
const open = (gate: Int32Array) => {
  Atomics.store(gate, 0, 0)
  Atomics.notify(gate, 0)
}

test('R10 thread: the loop that answers pings turns while the table is read and while patients are worked on', async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const study = { manifest, site: 'north', source: { ...manifest.source, path }, gate }
  let settled = 0
  const settle = () => void settled++
  const opening = QueryThread.open(study, new URL('../../test/harness/gated-query-worker.ts', import.meta.url))
  opening.then(settle, settle)
  await heldAt(gate)
  expect(settled).toBe(0)
  open(gate)
  const gated = await opening
  const answer = gated.execute(order(1))
  answer.then(settle, settle)
  await heldAt(gate)
  expect(settled).toBe(1)
  open(gate)
  const contribution = await answer
  expect(contribution).toMatchObject({ kind: 'gradient', dimension: parameters.length })
  expect(integersOf(contribution)).toHaveLength(parameters.length)
  expect(await gated.engine()).toMatchObject({ name: expect.stringMatching(/^(tensorflow|wasm|cpu)$/) })
  await gated.close()
})

test('R5 R16 thread: one answer after the other, each with noise of its own, and the order’s model stays with whoever gave it', async () => {
  const [first, second, marginals] = await Promise.all([1, 1, 0].map((query) => thread.execute(order(query))))
  const [one, other] = [integersOf(first!), integersOf(second!)]
  expect(one.filter((value, i) => value === other[i]).length).toBeLessThan(one.length / 10)
  expect(marginals).toMatchObject({ kind: 'marginals', dimension: queriesOf(manifest.plan)[0]!.dimension })
  expect(parameters).toHaveLength(networkOfStudy(manifest).dimension)
})

test('R10 thread: errors cross with code, words and place; neither values nor causes do', async () => {
  await expect(threadOver(join(folder, 'missing.csv'))).rejects.toMatchObject({ code: 'SOURCE_MISSING' })
  const file = join(folder, 'other.csv')
  writeFileSync(file, 'who,secret-name\n1,secret-value\n')
  const thrown: unknown = await threadOver(file).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'TABLE_INVALID', place: { column: 'c0' } })
  expect(thrown).not.toHaveProperty('cause')
  expect(String(thrown)).not.toContain('secret')
  await expect(thread.execute({ ...order(1), parameters: parameters.subarray(1) })).rejects.toMatchObject({
    code: 'ROUND_REFUSED',
  })
  await expect(thread.execute(order(7))).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  await expect(thread.execute(order(1))).resolves.toMatchObject({ kind: 'gradient' })
})

test('R10 thread: that dies in the middle says nothing of why, and the next order finds another', async () => {
  const file = join(folder, 'dying.mjs')
  const mark = join(folder, 'died')
  writeFileSync(
    file,
    `import { existsSync, writeFileSync } from 'node:fs'
     import { parentPort } from 'node:worker_threads'
     parentPort.postMessage({ kind: 'loaded', engine: { name: 'cpu', description: 'none' } })
     parentPort.on('message', ({ id }) => {
       if (!existsSync(${JSON.stringify(mark)})) {
         writeFileSync(${JSON.stringify(mark)}, '')
         throw new Error('a patient’s value')
       }
       const integers = Float64Array.of(7)
       parentPort.postMessage({ kind: 'integers', id, query: { kind: 'gradient', dimension: 1 }, integers })
     })`,
  )
  const dying = await threadOver(path, new URL(`file://${file}`))
  const thrown: unknown = await dying.execute(order(1)).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'INTERNAL' })
  expect(thrown).not.toHaveProperty('cause')
  expect(String(thrown)).not.toContain('value')
  expect(integersOf(await dying.execute(order(1)))).toEqual(Float64Array.of(7))
  await dying.close()
})

test('thread: closing ends it in the middle of its work, for good', async () => {
  const thread = await threadOver(path)
  const running = thread.execute(order(1))
  await Promise.all([thread.close(), expect(running).rejects.toMatchObject({ code: 'INTERNAL' })])
  await expect(thread.execute(order(1))).rejects.toMatchObject({ code: 'INTERRUPTED' })
})
