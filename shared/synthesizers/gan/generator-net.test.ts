import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { loadEngine } from '../../tensor/engine.ts'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { noMoments } from './adam.ts'
import { fixedDraws } from './conditions.ts'
import { criticOf } from './critic.ts'
import { pairLayoutOf } from '../mixture/pair-layout.ts'
import { backward, forward, generatorNetOf, initialNet } from './generator-net.ts'
import { generatorSteps, mixtureShares } from './generator-steps.ts'
import { networkSlope } from './network-slope.ts'
import { addProduct, engineProduct, plainProduct } from './product.ts'

const layout = layoutOf([3, 2, 4])
const net = generatorNetOf(layout, 3, 6)
const even = Float64Array.from(layout.sizes.flatMap((size) => Array.from({ length: size }, () => 1 / size)))
const draws = fixedDraws(layout, even, 3, 10, 5)
const randomWeights = (length: number, seed: number) => {
  const random = counterRandom(seed, 1)
  return Float32Array.from({ length }, (_, i) => 0.7 * random.normal(i, 0))
}

describe('the generator net', () => {
  it('gives shares: columns add up to one, the condition is met for certain', () => {
    const { shares } = forward(net, randomWeights(net.dimension, 1), draws)
    draws.conditions.forEach((condition, k) => {
      expect(shares[k * layout.cells + condition]).toBe(1)
      for (let j = 0; j < layout.sizes.length; j++) {
        const own = shares.subarray(k * layout.cells + layout.offsets[j]!, k * layout.cells + layout.offsets[j + 1]!)
        expect(own.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
      }
    })
  })

  it('untrained begins near the noisy marginals', () => {
    const wanted = Float64Array.of(0.7, 0.2, 0.1, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1)
    const wide = generatorNetOf(layout, 8, 64)
    const many = fixedDraws(layout, wanted, 8, 2000, 5)
    const start = forward(wide, initialNet(wide, wanted, 7), many).shares
    const { marginals } = mixtureShares(layout, start, many.weights)
    wanted.forEach((share, cell) => expect(Math.abs(marginals[cell]! - share)).toBeLessThan(0.08))
  })

  it('has the gradient of finite differences', () => {
    const params = randomWeights(net.dimension, 2)
    const slopes = randomWeights(draws.conditions.length * layout.cells, 3)
    const loss = (at: Float32Array) =>
      forward(net, at, draws).shares.reduce((sum, share, i) => sum + share * slopes[i]!, 0)
    const found = backward(net, params, draws, forward(net, params, draws), slopes.slice())
    const step = 2 ** -9
    let worst = 0
    for (let i = 0; i < params.length; i++) {
      const [up, down] = [params.slice(), params.slice()]
      up[i]! += step
      down[i]! -= step
      worst = Math.max(worst, Math.abs((loss(up) - loss(down)) / (2 * step) - found[i]!))
    }
    expect(Math.max(...found.map(Math.abs))).toBeGreaterThan(0.5)
    expect(worst).toBeLessThan(5e-3)
  })
})

describe('its steps', () => {
  const shares = forward(net, randomWeights(net.dimension, 4), draws).shares
  const columns = layout.sizes.length

  it('know the expected pairs of the mixture', () => {
    const { pairs, marginals } = mixtureShares(layout, shares, draws.weights)
    for (let a = 0; a < layout.cells; a++) {
      const single = draws.weights.reduce((sum, weight, k) => sum + weight * shares[k * layout.cells + a]!, 0)
      expect(marginals[a]).toBeCloseTo(single, 6)
      for (let b = 0; b < layout.cells; b++) {
        const wanted = draws.weights.reduce(
          (sum, weight, k) => sum + weight * shares[k * layout.cells + a]! * shares[k * layout.cells + b]!,
          0,
        )
        expect(pairs[a * layout.cells + b]).toBeCloseTo(wanted, 6)
      }
    }
  })

  it('go down to a target that a net can reach', () => {
    const goal = mixtureShares(layout, shares, draws.weights)
    const distance = (params: Float32Array) =>
      mixtureShares(layout, forward(net, params, draws).shares, draws.weights).pairs.reduce(
        (sum, share, i) => sum + Math.abs(share - goal.pairs[i]!),
        0,
      )
    const params = initialNet(net, even, 8)
    const before = distance(params)
    const target = {
      pairs: goal.pairs,
      pairWorth: new Float32Array(layout.cells ** 2).fill(3),
      marginals: goal.marginals,
      marginalWorth: new Float64Array(layout.cells).fill(1),
    }
    generatorSteps(net, params, noMoments(net.dimension), draws, target, null, {
      first: 0,
      steps: 250,
      rate: 0.03,
      product: plainProduct,
    })
    expect(before).toBeGreaterThan(1)
    expect(distance(params)).toBeLessThan(before / 5)
  })

  it("climb the critic's network without bias: its slopes are those of enumeration", () => {
    const critic = criticOf(pairLayoutOf(layout), new Float32Array(3).fill(1), 4, 0.5)
    const weights = randomWeights(critic.weights, 6)
    const two = shares.slice(0, 2 * layout.cells)
    const valueAt = (row: readonly number[]) => {
      let value = 0
      for (let h = 0; h < critic.hidden; h++) {
        let unit = weights[critic.bias + h]!
        row.forEach((code, j) => (unit += weights[(layout.offsets[j]! + code) * critic.hidden + h]!))
        value += weights[critic.output + h]! * Math.max(unit, 0)
      }
      return value
    }
    const rows = layout.sizes.reduce<number[][]>(
      (all, size) => all.flatMap((row) => Array.from({ length: size }, (_, code) => [...row, code])),
      [[]],
    )
    const slope = networkSlope(critic, weights, 0.5, counterRandom(1, 1))
    const found = new Float32Array(two.length)
    const steps = 6000
    for (let step = 0; step < steps; step++) slope(two, found, step)
    for (let k = 0; k < 2; k++)
      for (let j = 0; j < columns; j++)
        for (let code = 0; code < layout.sizes[j]!; code++) {
          // D expected over the other columns, this one held.
          let wanted = 0
          for (const row of rows)
            if (row[j] === code)
              wanted += row.reduce(
                (mass, own, i) => (i === j ? mass : mass * two[k * layout.cells + layout.offsets[i]! + own]!),
                valueAt(row),
              )
          expect(found[k * layout.cells + layout.offsets[j]! + code]! / steps).toBeCloseTo(-0.5 * wanted, 1)
        }
  })
})

it('products of an engine are those of plain arrays', async () => {
  const [left, right] = [randomWeights(7 * 30, 1), randomWeights(30 * 9, 2)]
  const plain = plainProduct(left, right, 7, 30, 9)
  const engine = await loadEngine({ prefer: 'wasm' })
  const found = engineProduct(engine)(left, right, 7, 30, 9)
  plain.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4))
  expect(engine.tf.memory().numTensors).toBe(0)
})

test.prop([fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }), fc.nat()])(
  'products are those of the definition',
  (rows, inner, width, seed) => {
    const left = randomWeights(rows * inner, seed)
    const right = randomWeights(inner * width, seed + 1)
    const out = new Float32Array(rows * width).fill(1)
    addProduct(out, left, right, rows, inner, width)
    out.forEach((value, at) => {
      const [r, c] = [Math.floor(at / width), at % width]
      const wanted = Array.from({ length: inner }, (_, k) => left[r * inner + k]! * right[k * width + c]!)
      expect(value).toBeCloseTo(
        wanted.reduce((sum, term) => sum + term, 1),
        4,
      )
    })
  },
)

test.prop([
  fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 9, maxLength: 9 }),
  fc.integer({ min: 30, max: 200 }),
  fc.nat(1000),
])('conditions of every column follow its shares, and all weights add up to one', (mass, count, seed) => {
  const shares = new Float64Array(layout.cells)
  layout.sizes.forEach((size, j) => {
    const own = mass.slice(layout.offsets[j]!, layout.offsets[j]! + size).map((value) => value + 1)
    const total = own.reduce((sum, value) => sum + value, 0)
    own.forEach((value, code) => (shares[layout.offsets[j]! + code] = value / total))
  })
  const { conditions, weights, latents } = fixedDraws(layout, shares, 2, count, seed)
  expect(latents).toHaveLength(2 * count)
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9)
  layout.sizes.forEach((size, j) => {
    const given = new Float64Array(size)
    conditions.forEach((cell, k) => {
      if (cell >= layout.offsets[j]! && cell < layout.offsets[j + 1]!) given[cell - layout.offsets[j]!]! += weights[k]!
    })
    const total = given.reduce((sum, weight) => sum + weight, 0)
    const seen = [...given.keys()].filter((code) => given[code]! > 0)
    const covered = seen.reduce((sum, code) => sum + shares[layout.offsets[j]! + code]!, 0)
    expect(seen.length).toBeGreaterThan(0)
    for (const code of seen) expect(given[code]! / total).toBeCloseTo(shares[layout.offsets[j]! + code]! / covered, 6)
  })
})
