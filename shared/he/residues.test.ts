import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { osRandom } from '../../test/harness/sealed-round.ts'
import { addInto, fillUniform, inverse, largestFactor, modulusOf, multiplyAdd, subtractFrom } from './residues.ts'
import { secureRing } from './ring-parameters.ts'

const q = secureRing.modulus
const modulus = modulusOf(q)
const edges = [0n, 1n, 0xffffffffn, 0x100000000n, q - 0x100000000n, q - 2n, q - 1n]
const residue = fc.oneof(fc.bigInt(0n, q - 1n), fc.constantFrom(...edges))
const vector = fc.array(fc.tuple(residue, residue), { minLength: 1, maxLength: 20 })
const columns = (pairs: [bigint, bigint][]) =>
  [0, 1].map((i) => BigUint64Array.from(pairs, (pair) => pair[i]!)) as [BigUint64Array, BigUint64Array]

describe('residues', () => {
  property.prop([vector], { numRuns: 300 })('sums agree with BigInt', (pairs) => {
    const [a, b] = columns(pairs)
    addInto(modulus, a, b)
    expect([...a]).toEqual(pairs.map(([x, y]) => (x + y) % q))
  })

  property.prop([vector], { numRuns: 300 })('differences agree with BigInt and undo sums', (pairs) => {
    const [a, b] = columns(pairs)
    subtractFrom(modulus, a, b)
    expect([...a]).toEqual(pairs.map(([x, y]) => (x - y + q) % q))
    addInto(modulus, a, b)
    expect([...a]).toEqual(pairs.map(([x]) => x))
  })

  const factor = fc.oneof(fc.nat(largestFactor - 1), fc.constantFrom(0, 1, largestFactor - 1))
  property.prop([vector, factor], { numRuns: 1000 })('Horner steps agree with BigInt', (pairs, by) => {
    const [a, b] = columns(pairs)
    multiplyAdd(modulus, a, by, b)
    expect([...a]).toEqual(pairs.map(([x, y]) => (x * BigInt(by) + y) % q))
  })

  it('all pairs of edges add and multiply', () => {
    const pairs = edges.flatMap((x) => edges.map((y): [bigint, bigint] => [x, y]))
    const [a, b] = columns(pairs)
    addInto(modulus, a, b)
    expect([...a]).toEqual(pairs.map(([x, y]) => (x + y) % q))
    const [left, right] = columns(pairs)
    subtractFrom(modulus, left, right)
    expect([...left]).toEqual(pairs.map(([x, y]) => (x - y + q) % q))
    for (const by of [0, 1, 2, 5, 1023, largestFactor - 1]) {
      const [c, d] = columns(pairs)
      multiplyAdd(modulus, c, by, d)
      expect([...c]).toEqual(pairs.map(([x, y]) => (x * BigInt(by) + y) % q))
    }
  })

  it('words that are not below q are drawn again and not reduced', () => {
    const draws = [q, q + 5n, 2n ** 64n - 1n, 7n | (63n << 58n)]
    const script = {
      fill: (bytes: Uint8Array) => bytes.set(new Uint8Array(BigUint64Array.of(draws.shift()!).buffer)),
    }
    const out = new BigUint64Array(1)
    fillUniform(modulus, out, script)
    expect(out[0]).toBe(7n)
    expect(draws).toEqual([])
  })

  it('uniform residues fill the range evenly', () => {
    const out = new BigUint64Array(1 << 16)
    fillUniform(modulus, out, osRandom)
    expect(out.every((value) => value < q)).toBe(true)
    const buckets = new Array<number>(64).fill(0)
    for (const value of out) {
      const bucket = Number((value * 64n) / q)
      buckets[bucket] = buckets[bucket]! + 1
    }
    const chi = buckets.reduce((sum, count) => sum + (count - 1024) ** 2 / 1024, 0)
    expect(chi).toBeLessThan(140) // 63 degrees of freedom: exceeded by chance once in 10^7 runs
    expect(new Set(out).size).toBe(out.length)
  })

  property.prop([fc.bigInt(1n, q - 1n)])('inverses', (value) => {
    expect((inverse(modulus, value) * value) % q).toBe(1n)
    expect((inverse(modulus, -value) * (q - value)) % q).toBe(1n)
  })
})
