import type { Layout } from '../cells.ts'

/**
 * Products of independent columns, `components` of them, from free logits: all arrays components x cells, row-major, float32.
 * `transposed` holds the probabilities as cells x components, for products that must not be flagged.
 */
export interface Products {
  readonly layout: Layout
  readonly components: number
  readonly logits: Float32Array
  readonly probabilities: Float32Array
  readonly transposed: Float32Array
}

export const productsFrom = (layout: Layout, components: number, logits: Float32Array): Products => ({
  layout,
  components,
  logits,
  probabilities: new Float32Array(components * layout.cells),
  transposed: new Float32Array(components * layout.cells),
})

/** Softmax of every column of every component; the logits lose what the softmax takes off, so that they become log-shares. */
export const normalise = ({ layout, components, logits, probabilities, transposed }: Products): void => {
  const { sizes, offsets, cells } = layout
  for (let b = 0, row = 0; b < components; b++, row += cells)
    for (let j = 0; j < sizes.length; j++) {
      const start = row + offsets[j]!
      const end = row + offsets[j + 1]!
      let top = logits[start]!
      for (let i = start + 1; i < end; i++) if (logits[i]! > top) top = logits[i]!
      let total = 0
      for (let i = start; i < end; i++) {
        const mass = Math.exp(logits[i]! - top)
        probabilities[i] = mass
        total += mass
      }
      const shift = top + Math.log(total)
      for (let i = start; i < end; i++) {
        const share = probabilities[i]! / total
        probabilities[i] = share
        transposed[(i - row) * components + b] = share
        logits[i] = logits[i]! - shift
      }
    }
}

/** Mean over components of every cell's probability. */
export const meanShares = ({ layout, components, transposed }: Products): Float64Array => {
  const mean = new Float64Array(layout.cells)
  for (let cell = 0; cell < layout.cells; cell++) {
    let sum = 0
    for (let b = 0, at = cell * components; b < components; b++, at++) sum += transposed[at]!
    mean[cell] = sum / components
  }
  return mean
}
