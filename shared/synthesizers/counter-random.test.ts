import { describe, expect, it } from 'vitest'
import { counterRandom, threefry2x32 } from './counter-random.ts'

describe('threefry2x32', () => {
  // Known answers of the authors' Random123 library, 20 rounds.
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [-1, -1],
      [-1, -1],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('key %j counter %j', (key, counter, expected) => {
    const out = new Int32Array(2)
    threefry2x32(key[0]! | 0, key[1]! | 0, counter[0]! | 0, counter[1]! | 0, out)
    expect([...out].map((word) => word >>> 0)).toEqual(expected)
  })
})

describe('counterRandom', () => {
  it('is uniform and normal, and separate by seed, purpose, row and draw', () => {
    const random = counterRandom(7, 1)
    const uniforms = Array.from({ length: 20_000 }, (_, i) => random.uniform(i, 3))
    const normals = Array.from({ length: 20_000 }, (_, i) => random.normal(i, 3))
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
    expect(Math.abs(mean(uniforms) - 0.5)).toBeLessThan(0.01)
    expect(Math.abs(mean(uniforms.map((u) => u * u)) - 1 / 3)).toBeLessThan(0.01)
    expect(Math.abs(mean(normals))).toBeLessThan(0.03)
    expect(Math.abs(mean(normals.map((z) => z * z)) - 1)).toBeLessThan(0.04)
    const others = [counterRandom(8, 1), counterRandom(7, 2), counterRandom(7 + 2 ** 32, 1)].map((other) =>
      other.uniform(0, 3),
    )
    expect(new Set([random.uniform(0, 3), random.uniform(0, 4), random.uniform(1, 3), ...others]).size).toBe(6)
    expect(counterRandom(7, 1).uniform(5, 3)).toBe(uniforms[5])
  })

  it('refuses seeds that are not whole numbers', () => {
    expect(() => counterRandom(1.5, 0)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  })
})
