import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { createRing } from '@tributary/shared/he/create-ring'
import type { Ring } from '@tributary/shared/he/ring'
import { SealedSum } from '@tributary/shared/he/sealed-sum'
import { sealVector } from '@tributary/shared/he/sealed-vector'
import { dealShares, SummedKey, sumShares } from '@tributary/shared/he/shamir'
import { newSiteKey } from '@tributary/shared/he/site-key'
import type { SlotLayout } from '@tributary/shared/he/slots'
import { digest, roundId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Opening, OpenOrder } from './opening.ts'
import { OpeningThread } from './opening-thread.ts'
import { OpeningWork } from './opening-work.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-opening-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hash = (text: string) => hashBytes(new TextEncoder().encode(text))
const context = {
  round: roundId(hash('round')),
  roster: digest(hash('roster')),
  plan: digest(hash('plan')),
  model: digest(hash('model')),
}
const sites = 5
const threshold = 3
/** Nine blocks: two parts. */
const layout: SlotLayout = {
  dimension: 100_000,
  contributors: sites,
  valuesPerCoefficient: 3,
  slotBits: 16,
  scaleBits: 8,
  bound: 5000,
}
const integersOf = (site: number) =>
  Float64Array.from({ length: layout.dimension }, (_, i) => ((i * (site + 1)) % 9001) - 4500)

let ring: Ring
let thread: OpeningThread
let sealed: SealedSum
let answers: OpenOrder['answers']
let expected: Float64Array
beforeAll(async () => {
  ;[ring, thread] = await Promise.all([createRing(), OpeningThread.open()])
  sealed = SealedSum.create(ring, layout)
  expected = new Float64Array(layout.dimension)
  const holders = Array.from({ length: sites }, (_, i) => i + 1)
  const shares = holders.map((_, site) => {
    const random = osRandomStreams()('key')
    const key = newSiteKey(ring, random)
    const dealt = dealShares(ring, key, threshold, holders, random)
    const values = integersOf(site)
    for (const [i, value] of values.entries()) expected[i]! += value
    for (const [part, frame] of sealVector(ring, key, context, layout, values).entries()) sealed.add(part, frame)
    return dealt
  })
  answers = holders.map((holder, i) => ({
    holder,
    share: sumShares(
      ring,
      shares.map((dealt) => dealt[i]!),
    ),
  }))
  return () => thread.close()
})
const order = (changes: Partial<OpenOrder> = {}): OpenOrder => ({
  layout,
  sum: sealed.residues().slice(),
  contributors: sites,
  context,
  threshold,
  answers,
  ...changes,
})

describe.each([
  ['in process', () => new OpeningWork(ring)],
  ['in a thread', () => thread],
])('opening %s', (_, openingOf: () => Opening) => {
  test('the sum of all contributors comes out exactly, by any answers of the threshold', async () => {
    const opening = openingOf()
    expect(await opening.open(order())).toEqual({ steps: expected, suspects: [] })
    expect(await opening.open(order({ answers: answers.slice(2) }))).toEqual({ steps: expected, suspects: [] })
  })

  test('R24 a wrong answer is named where it can be told, and the sum opens without it', async () => {
    const wrong = answers.map((answer) => (answer.holder === 2 ? { holder: 2, share: answers[3]!.share } : answer))
    expect(await openingOf().open(order({ answers: wrong }))).toEqual({ steps: expected, suspects: [2] })
  })

  test('R7 answers below the threshold, of other sets or for another context open nothing', async () => {
    const opening = openingOf()
    const refused: Partial<OpenOrder>[] = [
      { answers: answers.slice(3) },
      { answers: [...answers.slice(3), { holder: 1, share: answers[1]!.share }] },
      { contributors: 0 },
      { context: { ...context, model: digest(hash('another')) } },
    ]
    for (const changes of refused)
      await expect(opening.open(order(changes))).rejects.toMatchObject({ code: 'AGGREGATE_INVALID' })
    const cut = answers.map(({ holder, share }) => ({ holder, share: share.subarray(1) }))
    await expect(opening.open(order({ answers: cut }))).rejects.toMatchObject({ code: 'FRAME_INVALID' })
    await expect(opening.open(order({ layout: { ...layout, bound: 50_000 } }))).rejects.toMatchObject({
      code: 'PLAN_REFUSED',
    })
    expect((await opening.open(order())).steps).toEqual(expected)
  })
})

test('the sum of keys is overwritten, whether it opens or not', async () => {
  const erase = vi.spyOn(SummedKey.prototype, 'erase')
  try {
    const work = new OpeningWork(ring)
    await work.open(order())
    expect(erase).toHaveBeenCalledTimes(1)
    await work.open(order({ context: { ...context, model: digest(hash('another')) } })).catch(() => undefined)
    expect(erase).toHaveBeenCalledTimes(2)
  } finally {
    erase.mockRestore()
  }
})

/** The worker behind `OpeningThread`, with something that looks at each call before it. */
const workerWith = (name: string, listener: string): URL => {
  const file = join(folder, name)
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', (${listener}))
     await import(${JSON.stringify(new URL('./opening-worker.ts', import.meta.url).href)})`,
  )
  return new URL(`file://${file}`)
}

test('thread: the sum goes in and the steps come out by handing memory over, and the loop turns meanwhile', async () => {
  const held = await OpeningThread.open(
    workerWith(
      'held.ts',
      `({ argument: { gate } }) => {
         if (gate === undefined) return
         Atomics.store(gate, 0, 1)
         Atomics.wait(gate, 0, 1)
       }`,
    ),
  )
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const given = { ...order(), gate }
  let isDone = false
  const opening = held.open(given).finally(() => (isDone = true))
  expect(given.sum.buffer.byteLength).toBe(0)
  while (Atomics.load(gate, 0) !== 1) await setImmediate()
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(isDone).toBe(false)
  Atomics.store(gate, 0, 0)
  Atomics.notify(gate, 0)
  const { steps } = await opening
  expect(steps.buffer.byteLength).toBe(8 * layout.dimension)
  await held.close()
})

test('thread: one that dies fails what it was asked and says nothing of why; the next order finds another', async () => {
  const dying = await OpeningThread.open(
    workerWith(
      'dying.ts',
      `({ argument: { contributors, sum } }) => {
         if (contributors === 13) throw new Error('a secret of ' + sum[0])
       }`,
    ),
  )
  try {
    const thrown: unknown = await dying.open(order({ contributors: 13 })).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'INTERNAL' })
    expect(thrown).not.toHaveProperty('cause')
    expect(String((thrown as Error).stack)).not.toContain('secret')
    expect((await dying.open(order())).steps).toEqual(expected)
  } finally {
    await dying.close()
  }
  await expect(dying.open(order())).rejects.toMatchObject({ code: 'INTERRUPTED' })
})
