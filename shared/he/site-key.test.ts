import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { contextNamed, osRandom, widestLayout } from '../../test/harness/sealed-round.ts'
import type { Ring } from './ring.ts'
import { sealVector } from './sealed-vector.ts'
import { dealShares } from './shamir.ts'
import { newSiteKey } from './site-key.ts'

const refused = expect.objectContaining({ code: 'ROUND_REFUSED' })

describe('site key', () => {
  let ring: Ring
  beforeAll(async () => {
    ring = await createInsecureRing()
  })
  const layout = widestLayout(10, 3, 2)
  const values = new Float64Array(10)

  it('R3 seals once: a second vector under the same key is refused, whatever it is for', () => {
    const key = newSiteKey(ring, osRandom)
    sealVector(ring, key, contextNamed('a'), layout, values)
    expect(() => sealVector(ring, key, contextNamed('a'), layout, values)).toThrow(refused)
    expect(() => sealVector(ring, key, contextNamed('b'), layout, values)).toThrow(refused)
  })

  it('R3 a key whose sealing failed half-way seals nothing more', () => {
    const key = newSiteKey(ring, osRandom)
    const bad = values.slice()
    bad[9] = 0.5
    expect(() => sealVector(ring, key, contextNamed('a'), layout, bad)).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    )
    expect(() => sealVector(ring, key, contextNamed('a'), layout, values)).toThrow(refused)
  })

  it('once erased is zeros and neither deals nor seals', () => {
    const key = newSiteKey(ring, osRandom)
    const residues = key.forDealing()
    expect(new Set(residues).size).toBe(ring.degree)
    key.erase()
    expect(residues.every((residue) => residue === 0n)).toBe(true)
    expect(() => dealShares(ring, key, 2, [1, 2, 3], osRandom)).toThrow(refused)
    expect(() => sealVector(ring, key, contextNamed('a'), layout, values)).toThrow(refused)
  })

  it('vectors of another length and layouts that could overflow are refused before the key is used', () => {
    const key = newSiteKey(ring, osRandom)
    expect(() => sealVector(ring, key, contextNamed('a'), layout, new Float64Array(9))).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    )
    expect(() => sealVector(ring, key, contextNamed('a'), { ...layout, contributors: 64 }, values)).toThrow(
      expect.objectContaining({ code: 'PLAN_REFUSED' }),
    )
    expect(sealVector(ring, key, contextNamed('a'), layout, values)).toEqual([
      expect.objectContaining({ length: 16 + 32 * 58 }),
    ])
  })

  it('two vectors of one site are independent: fresh key, fresh error', () => {
    const frames = [0, 1].map(() => sealVector(ring, newSiteKey(ring, osRandom), contextNamed('a'), layout, values))
    expect(frames[0]![0]).not.toEqual(frames[1]![0])
  })
})
