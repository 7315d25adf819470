import type { Layout } from '../cells.ts'

/** More than a fit that was pulled to the margins needs. */
const passes = 50
const factorBound = 20

/**
 * The components with the mean of every column's shares brought to `margins` (a share by cell, each column adding up to 1): every
 * cell by a factor that all components share, each column then scaled back to 1 (iterative proportional fitting, Deming and Stephan
 * 1940). Factors stay within 1/20 to 20. `probabilities`: components x cells, above 0. Cost: 50 x components x cells.
 */
export const withMargins = (
  { sizes, offsets, cells: width }: Layout,
  probabilities: Float32Array,
  margins: Float64Array,
): Float32Array => {
  const raked = probabilities.slice()
  const components = probabilities.length / width
  const factors = new Float64Array(width).fill(1)
  const mean = new Float64Array(width)
  for (let pass = 0; pass < passes; pass++) {
    mean.fill(0)
    for (let row = 0; row < raked.length; row += width)
      for (let j = 0; j < sizes.length; j++) {
        let total = 0
        for (let c = offsets[j]!; c < offsets[j + 1]!; c++) total += probabilities[row + c]! * factors[c]!
        for (let c = offsets[j]!; c < offsets[j + 1]!; c++) {
          const share = (probabilities[row + c]! * factors[c]!) / total
          raked[row + c] = share
          mean[c] = mean[c]! + share / components
        }
      }
    for (let c = 0; c < width; c++) {
      const wanted = mean[c]! > 0 ? (factors[c]! * margins[c]!) / mean[c]! : 1
      factors[c] = Math.min(factorBound, Math.max(1 / factorBound, wanted))
    }
  }
  return raked
}
