import type { Layout } from '../cells.ts'
import { descend, type Moments } from './adam.ts'
import type { FixedDraws } from './conditions.ts'
import { backward, forward, type GeneratorNet } from './generator-net.ts'
import { plainProduct, type Product, transposed } from './product.ts'

/** What the real rows are known by so far, and how surely. */
export interface Target {
  /** cells x cells, symmetric: noisy share of every pair of cells; 0 inside a column's own block. */
  readonly pairs: Float32Array
  /** Of the same shape: what a unit of distance there is worth; 0 where nothing was measured. */
  readonly pairWorth: Float32Array
  readonly marginals: Float64Array
  readonly marginalWorth: Float64Array
}

/** Adds -dD/dshares of the critic's network to `at` (draws x cells), at rows of these shares; `step` counts the generator's steps. */
export type NetworkSlope = (shares: Float32Array, at: Float32Array, step: number) => void

/**
 * `steps` steps of the generator, all draws at a time, against a critic at its best response: D's weight of a pair of cells is
 * (real - fake) x worth, so the generator descends half the squared distance, and climbs the network where there is one. Both
 * expectations are exact: columns are independent inside a draw. Changes `params` and `moments` in place; returns the new moments.
 * Cost of a step: draws x cells x (2 cells + 3 hidden).
 */
export const generatorSteps = (
  net: GeneratorNet,
  params: Float32Array,
  moments: Moments,
  draws: FixedDraws,
  target: Target,
  network: NetworkSlope | null,
  { first, steps, rate, product }: { first: number; steps: number; rate: number; product: Product },
): Moments => {
  const { layout } = net
  const width = layout.cells
  const count = draws.conditions.length
  let after = moments
  for (let step = first; step < first + steps; step++) {
    const pass = forward(net, params, draws)
    const fake = mixtureShares(layout, pass.shares, draws.weights, product)
    for (let i = 0; i < fake.pairs.length; i++)
      fake.pairs[i] = (fake.pairs[i]! - target.pairs[i]!) * target.pairWorth[i]!
    const at = product(pass.shares, fake.pairs, count, width, width)
    for (let i = 0; i < width; i++) {
      const slope = (fake.marginals[i]! - target.marginals[i]!) * target.marginalWorth[i]!
      for (let k = 0; k < count; k++) at[k * width + i] = at[k * width + i]! + slope
    }
    network?.(pass.shares, at, step)
    for (let k = 0; k < count; k++) {
      const weight = draws.weights[k]!
      for (let i = k * width; i < (k + 1) * width; i++) at[i] = at[i]! * weight
    }
    after = descend(params, after, backward(net, params, draws, pass, at), rate)
  }
  return after
}

/**
 * Expected shares under the mixture of `shares` (draws x cells): of pairs of cells (cells x cells; a column's own block means
 * nothing) and of cells.
 */
export const mixtureShares = (
  { cells: width }: Layout,
  shares: Float32Array,
  weights: Float64Array,
  product: Product = plainProduct,
): { readonly pairs: Float32Array; readonly marginals: Float64Array } => {
  const count = weights.length
  const weighted = shares.map((share, i) => share * weights[Math.floor(i / width)]!)
  const marginals = new Float64Array(width)
  weighted.forEach((share, i) => {
    marginals[i % width] = marginals[i % width]! + share
  })
  const pairs = product(transposed(weighted, count, width), shares, width, count, width)
  return { pairs, marginals }
}
