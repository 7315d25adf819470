import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { osRandom } from '../../test/harness/sealed-round.ts'
import { fillUniform, halves } from './residues.ts'
import { createRing, type Ring } from './ring.ts'
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
