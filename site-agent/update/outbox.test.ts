import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, digest, type RoundId, roundId, siteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Outbox, type StoredContribution } from './outbox.ts'

let folder: string
let open: Outbox[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  open = []
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  for (const outbox of open) outbox.close()
  rmSync(folder, { recursive: true })
})

const opened = (): Outbox => {
  const outbox = Outbox.open(folder)
  open.push(outbox)
  return outbox
}
const restarted = (outbox: Outbox): Outbox => {
  outbox.close()
  return opened()
}
const round = (n: number): RoundId => roundId(n.toString(16).padStart(64, '0'))
const model = (n: number): Digest => digest(n.toString(16).padStart(64, '1'))
const refused = expect.objectContaining({ code: 'ROUND_REFUSED' })
const contribution = (seed: number, length = 1000): StoredContribution => {
  const parts = [0, 1, 2].map((part) =>
    new Uint8Array(Math.ceil(length / (part + 2))).map((_, i) => (i * 31 + seed + part) & 255),
  )
  const message = {
    protocol: 1,
    kind: 'contribution',
    signer: 'north',
    body: new Uint8Array([seed, 2, 3]),
    signature: new Uint8Array(64).fill(seed),
  }
  return { message, parts, hashes: parts.map(hashBytes) }
}
const files = () => readdirSync(join(folder, 'sealed'))

test('R3 outbox: a round seals once; a second broadcast of the same model gets the stored bytes, also after a restart', async () => {
  let outbox = opened()
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual({ state: 'begun' })
  await outbox.store(round(1), contribution(7))
  const sealed = { state: 'sealed', contribution: contribution(7) }
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual(sealed)
  outbox = restarted(outbox)
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual(sealed)
  expect(outbox.stored(round(2))).toBeUndefined()
})

test('R3 outbox: a second model is refused before and after the bytes exist', async () => {
  const outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  expect(() => outbox.begin({ round: round(1), model: model(2) })).toThrow(refused)
  await outbox.store(round(1), contribution(7))
  expect(() => outbox.begin({ round: round(1), model: model(2) })).toThrow(refused)
  expect(outbox.begin({ round: round(2), model: model(2) })).toEqual({ state: 'begun' })
})

test('R3 outbox: a begun round is "sealing" in its own process and "lost" after a restart, and never seals then', async () => {
  let outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual({ state: 'sealing' })
  outbox = restarted(outbox)
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual({ state: 'lost' })
  await expect(outbox.store(round(1), contribution(7))).rejects.toEqual(refused)
  expect(() => outbox.begin({ round: round(1), model: model(2) })).toThrow(refused)
  await expect(outbox.store(round(9), contribution(7))).rejects.toEqual(refused)
})

test('R3 outbox: other bytes for a sealed round are refused, the same bytes again change nothing', async () => {
  const outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  await outbox.store(round(1), contribution(7))
  await outbox.store(round(1), contribution(7))
  await expect(outbox.store(round(1), contribution(8))).rejects.toEqual(refused)
  await expect(outbox.store(round(1), { ...contribution(7), message: contribution(8).message })).rejects.toEqual(
    refused,
  )
  expect(outbox.stored(round(1))).toEqual(contribution(7))
})

test('R3 outbox: a sealed vector is one file, given back in the parts that it was stored in, also after a restart', async () => {
  let outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  const { message, parts } = contribution(7)
  await outbox.store(round(1), { message, parts })
  expect(files()).toHaveLength(1)
  outbox = restarted(outbox)
  expect(outbox.stored(round(1))?.parts).toEqual(parts)
  // The same bytes cut otherwise are another contribution.
  const [first, ...rest] = parts
  const cut = [first!.subarray(0, 10), first!.subarray(10), ...rest]
  await expect(outbox.store(round(1), { message, parts: cut })).rejects.toEqual(refused)
})

test('R4 outbox: what was acknowledged stays so, also pruned and after a restart; what was never sealed cannot be', async () => {
  let outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  expect(() => outbox.acknowledge(round(1))).toThrow(refused)
  expect(() => outbox.acknowledge(round(2))).toThrow(refused)
  await outbox.store(round(1), contribution(7))
  expect(outbox.isAcknowledged(round(1))).toBe(false)
  outbox.acknowledge(round(1))
  outbox.acknowledge(round(1))
  outbox.discard([round(1)])
  outbox = restarted(outbox)
  expect([outbox.isAcknowledged(round(1)), outbox.isAcknowledged(round(2))]).toEqual([true, false])
  expect(outbox.statement(round(1))).toBe('pruned')
})

test('R24 outbox: a disclaimed round never begins, a begun one is never disclaimed, also after a restart', async () => {
  let outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  expect(() => outbox.disclaim(round(1))).toThrow(refused)
  outbox.disclaim(round(2))
  outbox.disclaim(round(2))
  expect(() => outbox.begin({ round: round(2), model: model(1) })).toThrow(refused)
  outbox = restarted(outbox)
  expect(() => outbox.disclaim(round(1))).toThrow(refused)
  expect(() => outbox.begin({ round: round(2), model: model(1) })).toThrow(refused)
  expect(outbox.begin({ round: round(3), model: model(1) })).toEqual({ state: 'begun' })
})

test('R24 outbox: a disclaimed deal is opened once and the same opening is kept', async () => {
  let outbox = opened()
  const { message } = contribution(5)
  expect(() => outbox.storeOpening(round(1), message)).toThrow(refused)
  outbox.disclaim(round(1))
  expect(outbox.opening(round(1))).toBeUndefined()
  outbox.storeOpening(round(1), message)
  outbox.storeOpening(round(1), message)
  expect(() => outbox.storeOpening(round(1), contribution(6).message)).toThrow(refused)
  outbox = restarted(outbox)
  expect(outbox.opening(round(1))).toEqual(message)
})

test('R1 outbox: whom the roster no longer listed when this site dealt is kept with the deal', async () => {
  let outbox = opened()
  const deal = { message: contribution(1).message, boxes: [new Uint8Array(10)] }
  await outbox.storeDeal(round(1), deal, [siteId('birch')])
  outbox = restarted(outbox)
  outbox.discard([round(1)])
  expect(outbox.removedBy(round(1))).toEqual(['birch'])
  expect(outbox.removedBy(round(2))).toEqual([])
})

test('R1 outbox: where this site did not deal, whom it knew as removed when the set was announced; never fewer later', async () => {
  let outbox = opened()
  outbox.noteRemoved(round(1), [])
  expect(outbox.removedBy(round(1))).toEqual([])
  outbox.noteRemoved(round(1), [siteId('birch')])
  outbox.noteRemoved(round(1), [siteId('cedar')])
  outbox = restarted(outbox)
  outbox.noteRemoved(round(1), [])
  expect(outbox.removedBy(round(1))).toEqual(['birch', 'cedar'])
  // Of a round that it dealt for, what it knew then counts: a removal is in force at the next attempt.
  await outbox.storeDeal(round(2), { message: contribution(1).message, boxes: [] })
  outbox.noteRemoved(round(2), [siteId('birch')])
  expect(outbox.removedBy(round(2))).toEqual([])
})

test('R3 outbox: megabytes reach the disk while the program goes on, and count only once they are synced', async () => {
  const outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  const { open: openFile } = fs.promises
  let synced = (): void => undefined
  const isSyncing = new Promise<void>((syncing) => {
    vi.spyOn(fs.promises, 'open').mockImplementation(async (...about) => {
      const file = await openFile(...about)
      const sync = file.sync.bind(file)
      vi.spyOn(file, 'sync').mockImplementation(async () => {
        syncing()
        await new Promise<void>((resolve) => (synced = resolve))
        await sync()
      })
      return file
    })
  })
  syncBuiltinESMExports()
  const storing = outbox.store(round(1), contribution(7))
  await isSyncing
  expect(files()).toEqual([expect.stringMatching(/\.unfinished$/)])
  expect(outbox.stored(round(1))).toBeUndefined()
  synced()
  await storing
  expect(outbox.stored(round(1))).toEqual(contribution(7))
})

test('outbox: a site deals once per attempt and can repeat it byte for byte', async () => {
  const deal = { message: contribution(1).message, boxes: [new Uint8Array([1, 2]), new Uint8Array(5000)] }
  let outbox = opened()
  expect(outbox.dealt(round(1))).toBeUndefined()
  await outbox.storeDeal(round(1), deal)
  outbox = restarted(outbox)
  await outbox.storeDeal(round(1), deal)
  await expect(
    outbox.storeDeal(round(1), { ...deal, boxes: [new Uint8Array([1, 3]), deal.boxes[1]!] }),
  ).rejects.toEqual(refused)
  expect(outbox.dealt(round(1))).toEqual(deal)
  outbox.prune(new Set())
  expect(outbox.dealt(round(1))).toBe('pruned')
  await expect(outbox.storeDeal(round(1), deal)).rejects.toEqual(refused)
})

test('outbox: discarded rounds lose their bytes, other rounds keep theirs, and all stay used', async () => {
  const outbox = opened()
  const dealOf = (n: number) => ({ message: contribution(n).message, boxes: [new Uint8Array([n])] })
  for (const n of [1, 2]) {
    await outbox.storeDeal(round(n), dealOf(n))
    outbox.begin({ round: round(n), model: model(n) })
    await outbox.store(round(n), contribution(n))
  }
  outbox.discard([round(1)])
  expect(outbox.dealt(round(1))).toBe('pruned')
  expect(outbox.stored(round(1))).toBeUndefined()
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual({ state: 'lost' })
  expect(outbox.dealt(round(2))).toEqual(dealOf(2))
  expect(outbox.stored(round(2))).toEqual(contribution(2))
  expect(files()).toHaveLength(2)
})

test('outbox: pruned bytes are gone from the disk, the round stays used', async () => {
  let outbox = opened()
  for (const n of [1, 2]) {
    outbox.begin({ round: round(n), model: model(n) })
    await outbox.store(round(n), contribution(n))
  }
  outbox.prune(new Set([round(2)]))
  expect(files()).toHaveLength(1)
  outbox = restarted(outbox)
  expect(outbox.stored(round(2))).toEqual(contribution(2))
  expect(outbox.begin({ round: round(1), model: model(1) })).toEqual({ state: 'lost' })
  await expect(outbox.store(round(1), contribution(1))).rejects.toEqual(refused)
})

test('outbox: a disk that fills leaves no half-written file and the round can still be stored', async () => {
  const outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  const { open: openFile } = fs.promises
  let calls = 0
  vi.spyOn(fs.promises, 'open').mockImplementation(async (...about) => {
    const file = await openFile(...about)
    const write = file.write.bind(file)
    vi.spyOn(file, 'write').mockImplementation(((bytes: Uint8Array, offset: number) => {
      if (calls++ > 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      return write(bytes, offset, 100)
    }) as typeof file.write)
    return file
  })
  syncBuiltinESMExports()
  await expect(outbox.store(round(1), contribution(1))).rejects.toEqual(expect.objectContaining({ code: 'DISK_FULL' }))
  expect(files()).toEqual([])
  expect(outbox.stored(round(1))).toBeUndefined()
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  await outbox.store(round(1), contribution(1))
  expect(outbox.stored(round(1))).toEqual(contribution(1))
})

test('outbox: damaged or missing bytes are never sent', async () => {
  const outbox = opened()
  outbox.begin({ round: round(1), model: model(1) })
  await outbox.store(round(1), contribution(1))
  const file = join(folder, 'sealed', files()[0]!)
  const bytes = readFileSync(file)
  bytes[500]! ^= 1
  writeFileSync(file, bytes)
  const corrupt = expect.objectContaining({ code: 'STATE_CORRUPT' })
  expect(() => outbox.stored(round(1))).toThrow(corrupt)
  rmSync(file)
  expect(() => outbox.begin({ round: round(1), model: model(1) })).toThrow(corrupt)
})

test('outbox: what a crash left is swept by the next prune', async () => {
  const outbox = opened()
  writeFileSync(join(folder, 'sealed', `${model(1)}.unfinished`), 'half')
  writeFileSync(join(folder, 'sealed', model(2)), 'renamed, but its row never committed')
  outbox.begin({ round: round(1), model: model(1) })
  await outbox.store(round(1), contribution(1))
  outbox.prune(new Set([round(1)]))
  expect(files()).toHaveLength(1)
  expect(outbox.stored(round(1))).toEqual(contribution(1))
})

type Step = { kind: 'begin' | 'store'; round: number; model: number; seed: number } | { kind: 'restart' }
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('begin' as const, 'store' as const),
    round: fc.integer({ min: 0, max: 2 }),
    model: fc.integer({ min: 0, max: 1 }),
    seed: fc.integer({ min: 0, max: 2 }),
  }),
  fc.constant({ kind: 'restart' as const }),
)

property.prop([fc.array(steps, { maxLength: 25 })], { numRuns: 30 })(
  'R3 outbox: whatever the order of calls and restarts, a round has one model, at most one "begun" and one stored content',
  async (script) => {
    rmSync(folder, { recursive: true })
    let outbox = opened()
    const begun = new Map<number, number>()
    const stored = new Map<number, string>()
    for (const step of script) {
      if (step.kind === 'restart') {
        outbox = restarted(outbox)
        continue
      }
      try {
        if (step.kind === 'begin') {
          const { state } = outbox.begin({ round: round(step.round), model: model(step.model) })
          if (state === 'begun') {
            expect(begun.has(step.round)).toBe(false)
            begun.set(step.round, step.model)
          }
          expect(begun.get(step.round)).toBe(step.model)
        } else {
          await outbox.store(round(step.round), contribution(step.seed, 20))
          expect(begun.has(step.round)).toBe(true)
          const earlier = stored.get(step.round)
          if (earlier !== undefined) expect(earlier).toBe(String(step.seed))
          stored.set(step.round, String(step.seed))
        }
      } catch (error) {
        expect(error).toEqual(refused)
      }
    }
    outbox.close()
  },
)
