import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { newBoxKeys, openBox, openBoxWithKey } from '@tributary/shared/he/box'
import { openSum } from '@tributary/shared/he/open-sum'
import { createRing } from '@tributary/shared/he/create-ring'
import type { Ring } from '@tributary/shared/he/ring'
import { SealedSum } from '@tributary/shared/he/sealed-sum'
import { interpolateKey, sumShares } from '@tributary/shared/he/shamir'
import { SiteKey } from '@tributary/shared/he/site-key'
import type { SlotLayout } from '@tributary/shared/he/slots'
import { digest, type RoundId, roundId, siteId, studyId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DealOrder, Sealing, SealOrder } from './sealing.ts'
import { SealingThread } from './sealing-thread.ts'
import { SealingWork } from './sealing-work.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-sealing-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hash = (text: string) => hashBytes(new TextEncoder().encode(text))
const roster = digest(hash('roster'))
const names = ['east', 'north', 'west'].map(siteId)
const keys = names.map(() => newBoxKeys())
const layoutOf = (dimension: number): SlotLayout => ({
  dimension,
  contributors: 3,
  valuesPerCoefficient: 3,
  slotBits: 16,
  scaleBits: 8,
  bound: 5000,
})
/** Nine blocks: two parts. */
const layout = layoutOf(100_000)

let rounds = 0
const newRound = (): RoundId => roundId(hash(`round ${rounds++}`))
const dealOrder = (round: RoundId, unusable: Readonly<Record<number, Uint8Array | undefined>> = {}): DealOrder => ({
  round,
  threshold: 2,
  context: { study: studyId(hash('study')), round, roster, from: 'east' },
  holders: names.map((site, i) => ({ site, index: i + 1, key: i in unusable ? unusable[i] : keys[i]!.publicKey })),
})
const sealContext = (round: RoundId) => ({
  round,
  roster,
  plan: digest(hash('plan')),
  model: digest(hash('model')),
})
const integers = (dimension = layout.dimension) => Float64Array.from({ length: dimension }, (_, i) => (i % 9001) - 4500)
const sealOrder = (round: RoundId, values = integers(), of = layout): SealOrder => ({
  round,
  context: sealContext(round),
  layout: of,
  values,
})
const gone = { code: 'ROUND_REFUSED', message: expect.stringMatching(/one-time keys? (is|are) gone/) }

let ring: Ring
let thread: SealingThread
beforeAll(async () => {
  ;[ring, thread] = await Promise.all([createRing(), SealingThread.open()])
  return () => thread.close()
})

/** What the holders at these places find in their boxes. */
const sharesOf = (round: RoundId, boxes: readonly Uint8Array[], places: readonly number[]) =>
  places.map((place) => ({
    holder: place + 1,
    share: openBox(keys[place]!, { ...dealOrder(round).context, to: names[place]! }, boxes[place]!),
  }))

const openedWith = (round: RoundId, parts: readonly Uint8Array[], shares: ReturnType<typeof sharesOf>) => {
  const sum = SealedSum.create(ring, layout)
  for (const [part, frame] of parts.entries()) sum.add(part, frame)
  const answers = shares.map(({ holder, share }) => ({ holder, share: sumShares(ring, [share]) }))
  return openSum(ring, interpolateKey(ring, answers, 2).key, sum, 1, sealContext(round))
}

describe.each([
  ['in process', () => new SealingWork(ring, osRandomStreams)],
  ['in a thread', () => thread],
])('sealing %s', (_, sealingOf: () => Sealing) => {
  test('what is sealed opens to the same integers, by the shares in the boxes and by no fewer', async () => {
    const sealing = sealingOf()
    const round = newRound()
    const { boxes, unreachable } = await sealing.deal(dealOrder(round))
    expect(unreachable).toEqual([])
    const parts = await sealing.seal(sealOrder(round))
    expect(parts).toHaveLength(2)
    expect(openedWith(round, parts, sharesOf(round, boxes, [0, 2]))).toEqual(integers())
    expect(openedWith(round, parts, sharesOf(round, boxes, [1, 2]))).toEqual(integers())
    expect(() => openedWith(round, parts, sharesOf(round, boxes, [1]))).toThrow(/1 replies where 2 are needed/)
  })

  test('R3 a key seals once, and what was sealed under is never opened for a dispute (R24)', async () => {
    const sealing = sealingOf()
    const round = newRound()
    await sealing.deal(dealOrder(round))
    await sealing.seal(sealOrder(round))
    await expect(sealing.seal(sealOrder(round))).rejects.toMatchObject(gone)
    await expect(sealing.openDeal(round)).rejects.toMatchObject(gone)
  })

  test('R24 a deal that is opened shows the key of every box, and nothing is sealed under it any more', async () => {
    const sealing = sealingOf()
    const round = newRound()
    const { boxes } = await sealing.deal(dealOrder(round))
    const boxKeys = await sealing.openDeal(round)
    const shown = boxKeys.map((key, i) =>
      openBoxWithKey(key, { ...dealOrder(round).context, to: names[i]! }, boxes[i]!),
    )
    expect(shown).toEqual(sharesOf(round, boxes, [0, 1, 2]).map(({ share }) => share))
    await expect(sealing.seal(sealOrder(round))).rejects.toMatchObject(gone)
    await expect(sealing.openDeal(round)).rejects.toMatchObject(gone)
  })

  test('R5 a round is dealt for once while its key is held, and an erased key is gone', async () => {
    const sealing = sealingOf()
    const round = newRound()
    await sealing.deal(dealOrder(round))
    await expect(sealing.deal(dealOrder(round))).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    await sealing.erase(round)
    await sealing.erase(round)
    for (const asked of [() => sealing.seal(sealOrder(round)), () => sealing.openDeal(round)])
      await expect(asked()).rejects.toMatchObject(gone)
    await expect(sealing.openDeal(newRound())).rejects.toMatchObject(gone)
  })

  test('a holder without a usable key is named and gets a box that nobody opens; too few holders are refused', async () => {
    const sealing = sealingOf()
    const round = newRound()
    const { boxes, unreachable } = await sealing.deal(dealOrder(round, { 1: undefined }))
    expect(unreachable).toEqual(['north'])
    expect(boxes.map(({ length }) => length)).toEqual(Array(3).fill(boxes[0]!.length))
    expect(() => sharesOf(round, boxes, [1])).toThrow(/does not open/)
    expect(openedWith(round, await sealing.seal(sealOrder(round)), sharesOf(round, boxes, [0, 2]))).toEqual(integers())
    const other = newRound()
    const wrong = { 0: new Uint8Array(7), 1: new Uint8Array(1216) }
    await expect(sealing.deal(dealOrder(other, wrong))).rejects.toMatchObject({
      code: 'BOX_INVALID',
      message: 'the box keys of east, north are not usable',
    })
    await expect(sealing.openDeal(other)).rejects.toMatchObject(gone)
  })

  test('R2 nothing is dealt or sealed for another round than the one that is named', async () => {
    const sealing = sealingOf()
    const [round, other] = [newRound(), newRound()]
    await expect(sealing.deal({ ...dealOrder(other), round })).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    await sealing.deal(dealOrder(round))
    await expect(sealing.seal({ ...sealOrder(other), round })).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    await expect(sealing.seal(sealOrder(round))).rejects.toMatchObject(gone)
  })

  test('a value that does not fit is refused by its place alone, and the key goes with it', async () => {
    const sealing = sealingOf()
    const round = newRound()
    await sealing.deal(dealOrder(round))
    const values = integers()
    values[77_777] = 987_654_321
    const thrown: unknown = await sealing.seal(sealOrder(round, values)).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'INTERNAL', message: 'value 77777 is no whole number within the bound' })
    expect(JSON.stringify(thrown) + String((thrown as Error).stack)).not.toContain('987654321')
    expect(thrown).not.toHaveProperty('cause')
    await expect(sealing.seal(sealOrder(round))).rejects.toMatchObject(gone)
  })

  test('R10 values that were handed over are left with nobody, sealed or refused', async () => {
    const sealing = sealingOf()
    const round = newRound()
    await sealing.deal(dealOrder(round))
    const [sealed, refused] = [integers(), integers()]
    await sealing.seal(sealOrder(round, sealed))
    await expect(sealing.seal(sealOrder(round, refused))).rejects.toMatchObject(gone)
    for (const values of [sealed, refused])
      expect(Array.from({ length: values.length }, (_, i) => values[i]).every((value) => value === 0)).toBe(true)
    const lent = integers(layout.dimension + 5)
    await expect(sealing.seal(sealOrder(newRound(), lent.subarray(5)))).rejects.toMatchObject(gone)
    expect([...lent.subarray(0, 5), ...lent.subarray(5).filter((value) => value !== 0)]).toEqual([
      -4500, -4499, -4498, -4497, -4496,
    ])
  })
})

test('R24 the key is overwritten before the keys of its boxes come out, and whatever else ends it', async () => {
  const erase = vi.spyOn(SiteKey.prototype, 'erase')
  try {
    const sealing = new SealingWork(ring, osRandomStreams)
    const [opened, sealed, erased, closed] = [newRound(), newRound(), newRound(), newRound()]
    for (const round of [opened, sealed, erased, closed]) await sealing.deal(dealOrder(round))
    expect(erase).toHaveBeenCalledTimes(0)
    const opening = sealing.openDeal(opened)
    expect(erase).toHaveBeenCalledTimes(1)
    expect((await opening).every((key) => key.length === 44 && key.some((byte) => byte !== 0))).toBe(true)
    await sealing.seal(sealOrder(sealed))
    expect(erase).toHaveBeenCalledTimes(2)
    await sealing.erase(erased)
    expect(erase).toHaveBeenCalledTimes(3)
    await sealing.close()
    expect(erase).toHaveBeenCalledTimes(4)
    await expect(sealing.openDeal(closed)).rejects.toMatchObject(gone)
  } finally {
    erase.mockRestore()
  }
})

/** The worker behind `SealingThread`, with something that looks at each call before it. */
const workerWith = (name: string, listener: string): URL => {
  const file = join(folder, name)
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', (${listener}))
     await import(${JSON.stringify(new URL('./sealing-worker.ts', import.meta.url).href)})`,
  )
  return new URL(`file://${file}`)
}

test('thread: values and parts cross by handing memory over, and the loop turns while it works', async () => {
  const held = await SealingThread.open(
    workerWith(
      'held.ts',
      `({ argument: { gate } }) => {
         if (gate === undefined) return
         Atomics.store(gate, 0, 1)
         Atomics.wait(gate, 0, 1)
       }`,
    ),
  )
  const round = newRound()
  const { boxes } = await held.deal(dealOrder(round))
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const order = { ...sealOrder(round), gate }
  let isDone = false
  const sealing = held.seal(order).finally(() => (isDone = true))
  expect(order.values.buffer.byteLength).toBe(0)
  while (Atomics.load(gate, 0) !== 1) await setImmediate()
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(isDone).toBe(false)
  Atomics.store(gate, 0, 0)
  Atomics.notify(gate, 0)
  for (const bytes of [...boxes, ...(await sealing)]) expect(bytes.buffer.byteLength).toBe(bytes.length)
  await held.close()
})

test('R3 R10 thread: one that dies takes the keys along and says so, but not why; the next order finds another', async () => {
  const dying = await SealingThread.open(
    workerWith(
      'dying.ts',
      `({ argument: { layout, values } }) => {
         if (layout?.dimension === 13) throw new Error('a secret of ' + values[0])
       }`,
    ),
  )
  try {
    const [held, other] = [newRound(), newRound()]
    for (const round of [held, other]) await dying.deal(dealOrder(round))
    const asked = [dying.seal(sealOrder(other, integers(13), layoutOf(13))), dying.openDeal(held)]
    for (const each of asked) {
      const thrown: unknown = await each.catch((error: unknown) => error)
      expect(thrown).toMatchObject(gone)
      expect(thrown).not.toHaveProperty('cause')
      expect(String((thrown as Error).stack)).not.toMatch(/secret|-4500/)
    }
    await expect(dying.seal(sealOrder(held))).rejects.toMatchObject(gone)
    const round = newRound()
    const { boxes } = await dying.deal(dealOrder(round))
    const parts = await dying.seal(sealOrder(round))
    expect(openedWith(round, parts, sharesOf(round, boxes, [0, 1]))).toEqual(integers())
  } finally {
    await dying.close()
  }
})

test('thread: one that cannot begin says what createRing says', async () => {
  const file = join(folder, 'unready.ts')
  const serve = new URL('../../shared/system/serve-work.ts', import.meta.url)
  const errors = new URL('../../shared/errors.ts', import.meta.url)
  writeFileSync(
    file,
    `import { serveWork } from ${JSON.stringify(serve.href)}
     import { CodedError } from ${JSON.stringify(errors.href)}
     serveWork(Promise.reject(new CodedError('ENGINE_UNAVAILABLE', 'SEAL does not load', { cause: new Error('why') })))`,
  )
  const thrown: unknown = await SealingThread.open(new URL(`file://${file}`)).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'ENGINE_UNAVAILABLE', message: 'SEAL does not load' })
  expect(thrown).not.toHaveProperty('cause')
})

test('thread: closing ends it in the middle of its work, for good, and leaves nothing running', async () => {
  const closing = await SealingThread.open()
  const round = newRound()
  await closing.deal(dealOrder(round))
  const running = closing.seal(sealOrder(round))
  await Promise.all([closing.close(), expect(running).rejects.toMatchObject(gone)])
  await expect(closing.deal(dealOrder(newRound()))).rejects.toMatchObject({ code: 'INTERRUPTED' })
  const thread = new URL('./sealing-thread.ts', import.meta.url).href
  const script = `const { SealingThread } = await import(${JSON.stringify(thread)})
    const sealing = await SealingThread.open()
    await sealing.close()
    console.log(process.getActiveResourcesInfo().filter((kind) => /Worker|MessagePort/.test(kind)).length)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=source', '--input-type=module', '-e', script],
    { timeout: 30_000 },
  )
  expect(stdout.trim()).toBe('0')
})
