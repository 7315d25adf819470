import type { Engine } from '../../tensor/engine.ts'
import { meanShares, normalise, type Products } from './products.ts'

/** What one descent works towards; matrices cells x cells, symmetric, float32, zero where a column meets itself. */
export interface DescentGoal {
  readonly pairs: Float32Array
  /** Weight of a cell's squared error. */
  readonly weights: Float32Array
  /** By cell, shares. */
  readonly margins: Float64Array
  /** Weight of the mean Kullback-Leibler divergence of the components' columns from the margins. */
  readonly pull: number
}

const decay = { first: 0.9, second: 0.99 }
const leastRate = 1e-3
/** Least margin that logits start from and are pulled to. */
export const leastMargin = 1e-5

/**
 * `steps` of Adam (Kingma and Ba 2015) on the logits, in place, from `rate` falling linearly: squared error of the mixture's pairs
 * Q = P'P / components, weighted; plus columns times that of its margins; plus the pull. The gradient is closed-form:
 * dL/dP = (2 / components) P ((Q - goal) x weights), then back through each column's softmax. Leaves probabilities that belong to the
 * logits, and no tensors. Cost of a step: 4 x components x cells^2 flops in the engine.
 */
export const descend = (engine: Engine, products: Products, goal: DescentGoal, steps: number, rate: number): void => {
  const { layout, components, logits, probabilities, transposed } = products
  const { cells, offsets, sizes } = layout
  const logMargins = Float32Array.from(goal.margins, (share) => Math.log(Math.max(share, leastMargin)))
  const first = new Float32Array(logits.length)
  const second = new Float32Array(logits.length)
  const error = new Float32Array(cells * cells)
  const atMargins = new Float64Array(cells)
  const gradient = new Float64Array(Math.max(...sizes))
  normalise(products)
  for (let step = 1; step <= steps; step++) {
    const right = engine.matrix(probabilities, components, cells)
    const left = engine.matrix(transposed, cells, components)
    const moments = engine.product(left, right)
    left.dispose()
    const scale = 2 / components
    for (let i = 0; i < error.length; i++)
      error[i] = (moments[i]! / components - goal.pairs[i]!) * goal.weights[i]! * scale
    const errors = engine.matrix(error, cells, cells)
    const atShares = engine.product(right, errors)
    right.dispose()
    errors.dispose()
    meanShares(products).forEach((share, cell) => {
      atMargins[cell] = scale * sizes.length * (share - goal.margins[cell]!)
    })
    const pull = goal.pull / components
    const stepRate = rate * (1 - (step - 1) / steps) + (step > 1 ? leastRate : 0)
    const firstScale = 1 / (1 - decay.first ** step)
    const secondScale = 1 / (1 - decay.second ** step)
    for (let b = 0, row = 0; b < components; b++, row += cells)
      for (let j = 0; j < sizes.length; j++) {
        const start = offsets[j]!
        const size = sizes[j]!
        let mean = 0
        for (let c = 0; c < size; c++) {
          const i = row + start + c
          const value = atShares[i]! + atMargins[start + c]! + pull * (logits[i]! - logMargins[start + c]!)
          gradient[c] = value
          mean += value * probabilities[i]!
        }
        for (let c = 0; c < size; c++) {
          const i = row + start + c
          const slope = probabilities[i]! * (gradient[c]! - mean)
          const m = decay.first * first[i]! + (1 - decay.first) * slope
          const v = decay.second * second[i]! + (1 - decay.second) * slope * slope
          first[i] = m
          second[i] = v
          logits[i] = logits[i]! - (stepRate * m * firstScale) / (Math.sqrt(v * secondScale) + 1e-8)
        }
      }
    normalise(products)
  }
}
