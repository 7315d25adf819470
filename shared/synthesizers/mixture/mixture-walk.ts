import type { RowWalk } from '../../generator/generator.ts'
import type { Mixture } from './mixture.ts'

/**
 * One row, column by column, by the posterior of its component: a taken code multiplies every component's weight by its probability
 * there, and a cell's mass is the weighted mean of its probabilities. Cost of a row: components x cells products.
 */
export const mixtureWalk = ({ layout, components, probabilities }: Mixture): RowWalk => {
  const { cells, offsets, sizes } = layout
  const logits = new Float32Array(cells)
  const posterior = new Float64Array(components)
  const mass = new Float64Array(Math.max(...sizes))
  const firstLogits = new Float32Array(sizes[0]!)

  const enter = (column: number) => {
    const start = offsets[column]!
    const size = sizes[column]!
    mass.fill(0, 0, size)
    for (let b = 0; b < components; b++) {
      const weight = posterior[b]!
      const at = b * cells + start
      for (let c = 0; c < size; c++) mass[c] = mass[c]! + weight * probabilities[at + c]!
    }
    for (let c = 0; c < size; c++) logits[start + c] = Math.log(mass[c]!)
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
      const cell = offsets[column]! + code
      let total = 0
      for (let b = 0; b < components; b++) {
        const weight = posterior[b]! * probabilities[b * cells + cell]!
        posterior[b] = weight
        total += weight
      }
      for (let b = 0; b < components; b++) posterior[b] = posterior[b]! / total
      enter(column + 1)
    },
  }
}
