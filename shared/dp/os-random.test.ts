import { expect, test } from 'vitest'
import { chiSquareTail } from '../../test/harness/goodness-of-fit.ts'
import { osRandomStreams } from './os-random.ts'

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
