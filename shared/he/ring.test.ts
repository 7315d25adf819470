import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { osRandom } from '../../test/harness/sealed-round.ts'
import { fillUniform, halves } from './residues.ts'
import { createRing } from './create-ring.ts'
import type { Ring } from './ring.ts'
import { secureRing } from './ring-parameters.ts'
import { largestError } from './thresholds.ts'
import { uncheckedRingParameters } from './unchecked-ring-parameters.ts'

const seed = new Uint8Array(64).fill(9)

describe('ring', () => {
  let secure: Ring
  let small: Ring
  beforeAll(async () => {
    secure = await createRing()
    small = await createInsecureRing()
  })

  const uniform = (ring: Ring) => {
    const residues = new BigUint64Array(ring.degree)
    fillUniform(ring.q, residues, osRandom)
    return residues
  }

  it('is the secure one unless told otherwise', () => {
    expect([secure.degree, secure.modulus]).toEqual([4096, 288230376151130113n])
    expect(secureRing.modulus % 8192n).toBe(1n)
  })

  it('expands seeds to polynomials below q, the golden one among them', () => {
    const golden = secure.expand(new Uint8Array(64).fill(7))
    expect([golden[0], golden[1], golden[4095]]).toEqual([
      250097749519890275n,
      197790899903804620n,
      245884965857630636n,
    ])
    expect(golden.every((residue) => residue < secure.modulus)).toBe(true)
    expect(secure.expand(seed)).toEqual(secure.expand(seed))
    expect(secure.expand(seed)).not.toEqual(golden)
    expect(() => secure.expand(new Uint8Array(63))).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  it('SEAL refuses a degree that is not secure for this modulus', async () => {
    const weak = uncheckedRingParameters(2048, secureRing.modulus, secureRing.securityLevel)
    await expect(createRing(weak)).rejects.toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  it('combines polynomials as BigInt does', () => {
    const factors = [0n, 1n, small.modulus - 1n, 123456789012345678n]
    const terms = factors.map((factor) => ({ factor, residues: uniform(small) }))
    const expected = terms[0]!.residues.map((_, i) => {
      const sum = terms.reduce((total, { factor, residues }) => total + factor * residues[i]!, 0n)
      return sum % small.modulus
    })
    expect(small.combine(terms)).toEqual(expected)
  })

  it('seals as -a s + e + m: what opens is the message and an error of at most 21, which varies', () => {
    const key = uniform(secure)
    const message = new BigUint64Array(secure.degree).map((_, i) => BigInt(i) << 20n)
    const kept = message.slice()
    const out = new BigUint64Array(secure.degree)
    const opened = new BigUint64Array(secure.degree)
    secure.withKey(key, (keyed) => {
      keyed.seal(seed, message, out)
      keyed.open(seed, out, opened)
    })
    expect(message).toEqual(kept)
    const errors = Array.from(opened, (value, i) => {
      const error = Number(value - message[i]!)
      return error > 2 ** 57 ? error - Number(secure.modulus) : error
    })
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(largestError)
    const variance = errors.reduce((sum, error) => sum + error * error, 0) / errors.length
    expect(variance).toBeGreaterThan(9) // 10.5 for a centred binomial of 2 x 21 bits
    expect(variance).toBeLessThan(12)
  })

  it('opens two polynomials at once as it opens either, and in place', () => {
    const seeds: [Uint8Array, Uint8Array] = [seed, new Uint8Array(64).fill(8)]
    const [first, second] = [uniform(small), uniform(small)]
    const each = new BigUint64Array(2 * small.degree)
    const both = new BigUint64Array([...first, ...second])
    small.withKey(uniform(small), (keyed) => {
      keyed.open(seeds[0], first, each.subarray(0, small.degree))
      keyed.open(seeds[1], second, each.subarray(small.degree))
      keyed.openTwo(seeds, both, both)
    })
    expect(both).toEqual(each)
  })

  it('transforms as the definition says: position i has the value at the odd power of the root that i bit-reversed names', () => {
    const { modulus: q, degree } = small
    const power = (base: bigint, exponent: bigint): bigint => {
      let result = 1n
      for (let [b, e] = [base, exponent]; e > 0n; e >>= 1n, b = (b * b) % q) if (e & 1n) result = (result * b) % q
      return result
    }
    const order = 2n * BigInt(degree)
    const roots = Array.from({ length: 50 }, (_, i) => power(BigInt(i + 2), (q - 1n) / order))
    const some = roots.find((root) => power(root, order / 2n) === q - 1n)!
    const all = Array.from({ length: degree }, (_, i) => power(some, BigInt(2 * i + 1)))
    const root = all.reduce((least, each) => (each < least ? each : least))
    const [sealed, key, opened] = [uniform(small), uniform(small), new BigUint64Array(degree)]
    small.withKey(key, (keyed) => keyed.open(seed, sealed, opened))
    const a = small.expand(seed)
    for (const i of [0, 1, 2, 100, 255]) {
      const reversed = Number.parseInt(i.toString(2).padStart(8, '0').split('').reverse().join(''), 2)
      const at = power(root, BigInt(2 * reversed + 1))
      const value = opened.reduceRight((sum, coefficient) => (sum * at + coefficient) % q, 0n)
      expect(value).toBe((sealed[i]! + a[i]! * key[i]!) % q)
    }
  })

  it('subtracts a s by the public polynomial named, in NTT order', () => {
    const key = uniform(small)
    const out = new BigUint64Array(small.degree)
    const opened = new BigUint64Array(small.degree)
    small.withKey(key, (keyed) => keyed.seal(seed, new BigUint64Array(small.degree), out))
    const a = small.expand(seed)
    const masked = out.map((value, i) => (value + a[i]! * key[i]!) % small.modulus)
    small.withKey(new BigUint64Array(small.degree), (keyed) => keyed.open(seed, masked, opened))
    const far = opened.findIndex((value) => value > 21n && value < small.modulus - 21n)
    expect(far).toBe(-1)
  })

  it('returns to its idle objects after every call, also after one that throws', () => {
    const idle = small.liveObjects()
    const message = new BigUint64Array(small.degree)
    const out = new BigUint64Array(small.degree)
    small.withKey(uniform(small), (keyed) => {
      keyed.seal(seed, message, out)
      expect(small.liveObjects()).toBeGreaterThan(idle)
    })
    small.combine([{ factor: 3n, residues: uniform(small) }])
    small.expand(seed)
    expect(() =>
      small.withKey(uniform(small), () => {
        throw new Error('planted')
      }),
    ).toThrow('planted')
    expect(small.liveObjects()).toBe(idle)
  })

  it("turns SEAL's own exceptions into INTERNAL, leaves no object behind and goes on working", () => {
    const idle = small.liveObjects()
    const bad = new BigUint64Array(small.degree).fill(small.modulus)
    expect(() => small.withKey(bad, () => 0)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    expect(() => small.combine([{ factor: 1n, residues: bad }])).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    expect(small.liveObjects()).toBe(idle)
    const good = uniform(small)
    expect(small.combine([{ factor: 1n, residues: good }])).toEqual(good)
  })

  it('frees everything when disposed of', async () => {
    const ring = await createInsecureRing()
    ring.dispose()
    expect(ring.liveObjects()).toBe(0)
  })

  it('halves are the same memory', () => {
    const residues = BigUint64Array.of(1n + (2n << 32n))
    halves(residues)[1] = 7
    expect(residues[0]).toBe(1n + (7n << 32n))
  })
})
