import type { PairRelease } from './pair-release.ts'
import { doubleCentre } from './double-centre.ts'
import { pairShape } from './pair-layout.ts'
import { eigenOf } from './symmetric-eigen.ts'

/** Times that blocks of a column with itself, which nobody measured, are filled in by what was found. */
const fillings = 12
/** Most directions that are looked for. */
const mostDirections = 48
/** Power steps after each filling; the first filling starts from noise and takes more. */
const powerSteps = 2
const firstPowerSteps = 8

/**
 * What all pairs show together: `beyond` (counts beyond the margins, by cell of the pair layout) as one symmetric matrix in units of its
 * noise, shrunk to the few directions that stand out of noise. Where pairs are too noisy one by one, they share their causes: a
 * direction that many pairs have is seen in their sum. Eigenvalue l of m = cells - columns dimensions becomes sign(l)
 * sqrt(l^2 - 4 m) above 2 sqrt(m), else 0 (optimal for symmetric noise in Frobenius loss: Shabalin and Nobel 2013; Gavish and
 * Donoho 2017), blocks of a column with itself being filled in by turns. Double-centred. Cost: 30 x cells^2 x 48.
 */
export const jointShrunk = ({ pairs, sigma }: PairRelease, beyond: Float64Array): Float64Array => {
  const { layout } = pairs
  const { cells: width, offsets, sizes } = layout
  const matrix = new Float64Array(width * width)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    if (!(sigma[pair]! < Number.POSITIVE_INFINITY)) continue
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const value = beyond[at + r * columns + c]! / sigma[pair]!
        matrix[(offsets[i]! + r) * width + offsets[j]! + c] = value
        matrix[(offsets[j]! + c) * width + offsets[i]! + r] = value
      }
  }
  const dimensions = width - sizes.length
  const directions = Math.min(mostDirections, width)
  let basis: Float64Array | null = null
  let kept: { values: Float64Array; vectors: Float64Array } | null = null
  for (let filling = 0; filling < fillings; filling++) {
    const found = eigenOf(matrix, width, directions, basis, basis === null ? firstPowerSteps : powerSteps)
    basis = found.vectors
    const values = found.values.map((value) =>
      value * value > 4 * dimensions ? Math.sign(value) * Math.sqrt(value * value - 4 * dimensions) : 0,
    )
    kept = { values, vectors: found.vectors }
    for (let j = 0; j < sizes.length; j++)
      for (let a = offsets[j]!; a < offsets[j + 1]!; a++)
        for (let b = offsets[j]!; b < offsets[j + 1]!; b++) matrix[a * width + b] = entry(kept, width, directions, a, b)
  }
  const joint = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs && kept !== null; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    if (!(sigma[pair]! < Number.POSITIVE_INFINITY)) continue
    const block = joint.subarray(at, at + rows * columns)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        block[r * columns + c] = sigma[pair]! * entry(kept, width, directions, offsets[i]! + r, offsets[j]! + c)
    doubleCentre(block, rows, columns)
  }
  return joint
}

const entry = (
  { values, vectors }: { readonly values: Float64Array; readonly vectors: Float64Array },
  width: number,
  directions: number,
  a: number,
  b: number,
): number => {
  let sum = 0
  for (let k = 0; k < directions; k++)
    if (values[k] !== 0) sum += values[k]! * vectors[k * width + a]! * vectors[k * width + b]!
  return sum
}
