import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'
import { chiSquareTail } from '../../test/harness/goodness-of-fit.ts'
import { osRandomStreams } from './os-random.ts'

interface Opened {
  /** As the cipher got it. */
  readonly key: string
  readonly counter: string
  /** The caller's own buffer. */
  readonly buffer: Uint8Array
}
const opened: Opened[] = []
/** What the operating system gave, in order. */
const given = new Set<string>()
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  return {
    ...crypto,
    randomBytes: (size: number) => {
      const bytes = crypto.randomBytes(size)
      given.add(bytes.toString('hex'))
      return bytes
    },
    createCipheriv: (algorithm: string, key: Uint8Array, iv: Uint8Array) => {
      opened.push({ key: Buffer.from(key).toString('hex'), counter: Buffer.from(iv).toString('hex'), buffer: key })
      return crypto.createCipheriv(algorithm, key, iv)
    },
  }
})

const take = (source: { fill(bytes: Uint8Array): void }, length: number) => {
  const bytes = new Uint8Array(length)
  source.fill(bytes)
  return Buffer.from(bytes).toString('hex')
}

test('R16: every stream has its own key, also for one purpose, and never repeats itself', () => {
  const streams = osRandomStreams()
  const outputs = [
    take(streams('noise'), 64),
    take(streams('noise'), 64),
    take(streams('sampling'), 64),
    take(osRandomStreams()('noise'), 64),
  ]
  const one = streams('noise')
  outputs.push(take(one, 64), take(one, 64))
  expect(new Set(outputs).size).toBe(outputs.length)
})

test('R16: key and counter come from the operating system each time, and the key stays nowhere but in the cipher', () => {
  opened.length = 0
  const sources = [1, 2].flatMap(() => {
    const streams = osRandomStreams()
    return (['sampling', 'rounding', 'noise', 'noise'] as const).map((purpose) => streams(purpose))
  })
  expect(opened).toHaveLength(8)
  expect(new Set(opened.map(({ key }) => key)).size).toBe(8)
  for (const { key, counter, buffer } of opened) {
    expect([key.length, counter.length]).toEqual([64, 32])
    expect(given.has(key) && given.has(counter)).toBe(true)
    expect(buffer.every((byte) => byte === 0)).toBe(true)
  }
  for (const source of sources) {
    expect(Object.getOwnPropertyNames(source)).toEqual(['fill'])
    source.fill(new Uint8Array(100))
    const shown = inspect(source, { depth: 9, showHidden: true })
    for (const { key } of opened) expect(shown).not.toContain(key)
  }
})

test('fills across the buffer without a gap, a repeat or an unwritten byte', () => {
  const source = osRandomStreams()('noise')
  const seen = new Set<string>()
  const counts = new Float64Array(256)
  let total = 0
  for (let i = 0; i < 60; i++) {
    const bytes = new Uint8Array(7001)
    source.fill(bytes)
    for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1
    total += bytes.length
    for (let at = 0; at + 16 <= bytes.length; at += 16)
      seen.add(Buffer.from(bytes.subarray(at, at + 16)).toString('hex'))
  }
  expect(seen.size).toBe(60 * Math.floor(7001 / 16))
  const statistic = counts.reduce((sum, count) => sum + (count - total / 256) ** 2 / (total / 256), 0)
  expect(chiSquareTail(statistic, 255)).toBeGreaterThan(1e-6)
})
