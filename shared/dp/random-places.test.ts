import { expect, test } from 'vitest'
import { chiSquareTail } from '../../test/harness/goodness-of-fit.ts'
import { osRandomStreams } from './os-random.ts'
import { mostPlaces, randomPlaces } from './random-places.ts'

const random = osRandomStreams()('record')

test('every order of five is as likely as any other; a twentieth of them turned round is noticed', () => {
  const runs = 60_000
  const counted = (orderOf: () => Uint32Array) => {
    const counts = new Map<string, number>()
    for (let run = 0; run < runs; run++) {
      const key = orderOf().join()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    const expected = runs / 120
    let statistic = (120 - counts.size) * expected
    for (const count of counts.values()) statistic += (count - expected) ** 2 / expected
    return chiSquareTail(statistic, 119)
  }
  // A fair order fails this once in a million runs.
  expect(counted(() => randomPlaces(random, 5))).toBeGreaterThan(1e-6)
  const unfair = () => {
    const order = randomPlaces(random, 5)
    if (order[0] === 4 && order[1] === 3) order.reverse()
    return order
  }
  expect(counted(unfair)).toBeLessThan(1e-6)
})

test('large orders are whole, the last word of a choice counts, and the bytes read follow from the size', () => {
  const places = randomPlaces(random, 100_000)
  expect([...places].toSorted((a, b) => a - b).every((place, i) => place === i)).toBe(true)
  const sizes: number[] = []
  const ones = { fill: (bytes: Uint8Array) => void sizes.push(bytes.fill(255).length) }
  expect([...randomPlaces(ones, 4)]).toEqual([3, 0, 1, 2])
  const zeros = { fill: (bytes: Uint8Array) => void sizes.push(bytes.fill(0).length) }
  expect([...randomPlaces(zeros, 4)]).toEqual([0, 1, 2, 3])
  expect(sizes).toEqual([48, 48])
  expect(() => randomPlaces(zeros, mostPlaces + 1)).toThrow(RangeError)
})
