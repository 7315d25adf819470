import { beforeAll, describe, expect, it } from 'vitest'
import { type Engine, loadEngine } from '../tensor/engine.ts'
import { clipNorm } from '../units.ts'
import { hashBytes } from '../wire/canonical.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { gradientSum } from '../synthesizers/autoregressive/clipped-sum.ts'
import { marginalSum } from '../synthesizers/marginal-sum.ts'
import { networkOf } from '../synthesizers/autoregressive/network.ts'
import { sampleCells } from './sample.ts'
import { defaultSettings } from '../synthesizers/autoregressive/settings.ts'
import { autoregressiveGenerator } from '../synthesizers/autoregressive/generator.ts'
import type { Generator } from './generator.ts'

const layout = layoutOf([3, 2, 4])
const network = networkOf(layout, { ...defaultSettings, hidden: 8 })
const random = counterRandom(5, 9)
const params = Float32Array.from({ length: network.dimension }, (_, i) => 0.8 * random.normal(i, 0))
const marginals = Float64Array.of(0.2, 0.5, 0.3, 0.35, 0.65, 0.1, 0.2, 0.3, 0.4)
const model: Generator = autoregressiveGenerator({ network, params, marginals, levels: layout.sizes.map(() => null) })

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'wasm' })
})

const draw = async (rows: number, seed: number, options = {}) => {
  const batches: Uint16Array[] = []
  for await (const batch of sampleCells(model, rows, seed, options)) batches.push(batch)
  expect(Math.max(0, ...batches.map((batch) => batch.length))).toBeLessThanOrEqual(32_768 * 3)
  return Uint16Array.from(batches.flatMap((batch) => [...batch]))
}

const bytesOf = (cells: Uint16Array) => new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)
const shares = (cells: Uint16Array) => marginalSum(layout, cells, null).sum.map((count) => count / (cells.length / 3))
const keyCounts = (cells: Uint16Array) => {
  const counts = new Float64Array(24)
  for (let r = 0; r < cells.length; r += 3) counts[(cells[r]! * 2 + cells[r + 1]!) * 4 + cells[r + 2]!]!++
  return counts.map((count) => count / (cells.length / 3))
}

/** P(row) of every possible row, from the trained side: exp(-loss), the loss by integrating nothing but the gradient code. */
const exactShares = () => {
  const exact = new Float64Array(24)
  for (let key = 0; key < 24; key++) {
    const row = Uint16Array.of(Math.floor(key / 8), Math.floor(key / 4) % 2, key % 4)
    // dLoss/d(output bias) of the cell taken is p - 1: the clipped-sum's forward pass tells p.
    const { sum } = gradientSum(engine, network, params, row, clipNorm(1e6))
    exact[key] = row.reduce((p, code, j) => p * (1 + sum[network.outputBias + layout.offsets[j]! + code]!), 1)
  }
  return exact
}

describe('sampleCells', () => {
  it('draws rows with the probabilities that were trained', async () => {
    const rows = 60_000
    const seen = keyCounts(await draw(rows, 1, { rake: false }))
    const exact = exactShares()
    expect(exact.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
    exact.forEach((p, key) => expect(Math.abs(seen[key]! - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / rows) + 1e-4))
  })

  it('repeats for a seed, and a row does not depend on how many are asked for', async () => {
    const cells = await draw(40_000, 7, { rake: false })
    expect(await draw(100, 7, { rake: false })).toEqual(cells.slice(0, 300))
    expect(await draw(50, 7)).toEqual(await draw(50, 7))
    expect(await draw(100, 8, { rake: false })).not.toEqual(cells.slice(0, 300))
    expect(await draw(0, 7)).toEqual(new Uint16Array(0))
  })

  it('draws the rows that it always drew: published cohorts can be drawn again', async () => {
    expect(
      [await draw(3000, 7, { rake: false }), await draw(3000, 7)].map((cells) => hashBytes(bytesOf(cells))),
    ).toEqual([
      '3357b11cfc481c51a51cc8f38019cb4807ccef724fa2adf0eb92efdc25310262',
      '844aca5bf058b158d5b5faa35d277e490ddca69b85520167d2722f2a758b74e0',
    ])
  })

  it('rakes every cohort to the noisy marginals, small and large', async () => {
    const large = await draw(40_000, 2)
    expect(large.length).toBe(120_000)
    const plain = shares(await draw(40_000, 2, { rake: false }))
    expect(Math.max(...plain.map((share, cell) => Math.abs(share - marginals[cell]!)))).toBeGreaterThan(0.05)
    shares(large).forEach((share, cell) => expect(Math.abs(share - marginals[cell]!)).toBeLessThan(0.005))
    // A third of the cohort is a random third: resampling leaves no order.
    shares(large.slice(0, (40_000 * 3) / 4)).forEach((share, cell) =>
      expect(Math.abs(share - marginals[cell]!)).toBeLessThan(0.03),
    )
    const small = await draw(500, 2)
    expect(small.length).toBe(1500)
    shares(small).forEach((share, cell) => expect(Math.abs(share - marginals[cell]!)).toBeLessThan(0.1))
  })

  it('refuses a count of rows that is not whole', async () => {
    await expect(draw(1.5, 1)).rejects.toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  })
})
