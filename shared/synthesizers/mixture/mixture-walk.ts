import type { RowWalk } from '../../generator/generator.ts'
import { transpose } from '../../tensor/cross-products.ts'
import type { Mixture } from './mixture.ts'

/**
 * One row, column by column, by the posterior of its component: a taken code multiplies every component's weight by its probability
 * there, and a cell's mass is the weighted mean of its probabilities. Cost of a row: components x cells products.
 */
export const mixtureWalk = ({
  layout,
  components,
  probabilities,
}: Pick<Mixture, 'layout' | 'components' | 'probabilities'>): RowWalk => {
  const { cells, offsets, sizes } = layout
  // A cell's probabilities lie together: all loops run along components.
  const byCell = transpose(probabilities, components, cells)
  const logits = new Float32Array(cells)
  const posterior = new Float64Array(components)
  const firstLogits = new Float32Array(sizes[0]!)

  const enter = (column: number) => {
    for (let cell = offsets[column]!; cell < offsets[column + 1]!; cell++)
      logits[cell] = Math.log(weighted(posterior, byCell, cell * components))
  }

  posterior.fill(1 / components)
  enter(0)
  firstLogits.set(logits.subarray(0, sizes[0]))
  return {
    logits,
    start() {
      posterior.fill(1 / components)
      logits.set(firstLogits)
    },
    take(column, code) {
      if (column === sizes.length - 1) return
      const at = (offsets[column]! + code) * components
      let total = 0
      for (let b = 0; b < components; b++) {
        const weight = posterior[b]! * byCell[at + b]!
        posterior[b] = weight
        total += weight
      }
      const scale = 1 / total
      for (let b = 0; b < components; b++) posterior[b] = posterior[b]! * scale
      enter(column + 1)
    },
  }
}

/** Sum of weights x values[at ...], in four sums that do not wait for each other. */
const weighted = (weights: Float64Array, values: Float32Array, at: number): number => {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i + 4 <= weights.length; i += 4) {
    a += weights[i]! * values[at + i]!
    b += weights[i + 1]! * values[at + i + 1]!
    c += weights[i + 2]! * values[at + i + 2]!
    d += weights[i + 3]! * values[at + i + 3]!
  }
  for (; i < weights.length; i++) a += weights[i]! * values[at + i]!
  return a + b + (c + d)
}
