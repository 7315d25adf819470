import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../cells.ts'
import { networkOf, pack, unpack } from './network.ts'
import { defaultSettings } from './settings.ts'

const diabetes5 = layoutOf([6, 3, 10, 8, 26, 14, 16, 7, 16, 3, 2, 4, 16, 4, 4, 2, 2, 3])

/** Trained weights by the definition: hidden unit k sees columns up to k mod (columns - 1). */
const countUnmasked = (sizes: number[], hidden: number) => {
  const columnOf = sizes.flatMap((size, j) => Array<number>(size).fill(j))
  const sees = Array.from({ length: sizes.length > 1 ? hidden : 0 }, (_, k) => k % (sizes.length - 1))
  let total = sees.length + columnOf.length
  for (const a of columnOf) {
    for (const last of sees) total += (a <= last ? 1 : 0) + (last < a ? 1 : 0)
    for (const b of columnOf) total += b < a ? 1 : 0
  }
  return total
}

const layouts = fc.tuple(
  fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 7 }),
  fc.integer({ min: 1, max: 20 }),
)

describe('networkOf', () => {
  it('has the trained weights of the masks and no others', () => {
    expect(networkOf(diabetes5, defaultSettings).dimension).toBe(countUnmasked([...diabetes5.sizes], 192))
    expect(networkOf(diabetes5, defaultSettings).dimension).toBe(38_040)
  })

  test.prop([layouts])('packs and unpacks every trained weight once', ([sizes, hidden]) => {
    const network = networkOf(layoutOf(sizes), { ...defaultSettings, hidden })
    expect(network.dimension).toBe(countUnmasked(sizes, hidden))
    const params = Float32Array.from({ length: network.dimension }, (_, i) => i + 1)
    const weights = unpack(network, params)
    expect(pack(network, weights)).toEqual(params)
    const all = Object.values(weights)
      .flatMap((matrix) => [...matrix])
      .filter((value) => value !== 0)
    expect(all.sort((a, b) => a - b)).toEqual([...params])
  })

  it('refuses a network whose weights could not be counted', () => {
    expect(() => networkOf(layoutOf([30_000, 30_000]), defaultSettings)).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
  })

  it.each([{ hidden: 0 }, { hidden: 1.5 }, { learningRate: 0 }, { averagedShare: 1.1 }])('refuses %j', (wrong) => {
    expect(() => networkOf(diabetes5, { ...defaultSettings, ...wrong })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
  })
})
