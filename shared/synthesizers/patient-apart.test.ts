import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { randomParams, randomRows } from '../../test/harness/reference-network.ts'
import { familySchema } from '../study/study-schema.ts'
import { type Engine, loadEngine } from '../tensor/engine.ts'
import { clipNorm } from '../units.ts'
import { gradientSum } from './autoregressive/clipped-sum.ts'
import { networkOf } from './autoregressive/network.ts'
import { defaultSettings } from './autoregressive/settings.ts'
import { layoutOf } from './cells.ts'

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'wasm' })
})

const columns = 5
const network = networkOf(layoutOf([3, 2, 4, 2, 3]), { ...defaultSettings, hidden: 10 })
const distance = (left: Float64Array, right: Float64Array) => Math.hypot(...left.map((value, i) => value - right[i]!))

/** What a patient's row adds to a sum, beside these companions: `sumOf` with it less `sumOf` without. */
const partOf = (
  sumOf: (rows: Uint16Array) => Float64Array,
  row: Uint16Array,
  companions: Uint16Array,
): Float64Array => {
  const without = sumOf(companions)
  return sumOf(Uint16Array.from([...companions, ...row])).map((value, i) => value - without[i]!)
}

describe('R23 one patient, one input', () => {
  const sumWith = (params: Float32Array) => (rows: Uint16Array) =>
    gradientSum(engine, network, params, rows, clipNorm(1)).sum

  test.prop([fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 12 })], {
    numRuns: 30,
  })('R23: what a patient adds is the same, whoever else is in the batch', (seed, few, many) => {
    const sumOf = sumWith(randomParams(network, 1, seed))
    const row = randomRows(network.layout, 1, seed)
    const alone = partOf(sumOf, row, new Uint16Array(0))
    for (const [count, other] of [
      [few, seed + 1],
      [many, seed + 2],
    ] as const)
      expect(distance(partOf(sumOf, row, randomRows(network.layout, count, other)), alone)).toBeLessThan(1e-5)
  })

  it('R23: the comparison notices normalisation over the batch, and several patients packed into one input', () => {
    const sumOf = sumWith(randomParams(network, 1, 3))
    const row = randomRows(network.layout, 1, 3)
    const companions = randomRows(network.layout, 7, 4)
    const normalised = (rows: Uint16Array) => sumOf(rows).map((value) => value / Math.sqrt(1 + rows.length / columns))
    const packed = (rows: Uint16Array) => {
      const sum = sumOf(rows)
      const length = Math.max(1, Math.hypot(...sum))
      return sum.map((value) => value / length)
    }
    for (const wrong of [normalised, packed]) {
      const alone = partOf(wrong, row, new Uint16Array(0))
      expect(distance(partOf(wrong, row, companions), alone)).toBeGreaterThan(1e-2)
    }
  })

  it('R23: a study can name no family for which this was not shown', () => {
    expect(familySchema.shape.name.safeParse('autoregressive').success).toBe(true)
    for (const name of ['gan', 'ctgan', 'mixture', ''])
      expect(familySchema.shape.name.safeParse(name).success).toBe(false)
  })
})
