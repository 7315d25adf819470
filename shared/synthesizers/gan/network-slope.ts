import type { Layout } from '../cells.ts'
import type { CounterRandom } from '../counter-random.ts'
import type { Critic } from './critic.ts'
import type { NetworkSlope } from './generator-steps.ts'

/**
 * The way from the critic's network to the generator: at a row drawn from each draw's shares, the gradient for a column's share of a
 * level is D with that level in the row's place (local expectation gradients, Titsias and Lazaro-Gredilla 2015): unbiased, where a
 * relaxed or straight-through sample is not. Times `strength`. Cost: draws x cells x hidden.
 */
export const networkSlope =
  (critic: Critic, params: Float32Array, strength: number, random: CounterRandom): NetworkSlope =>
  (shares, at, step) => {
    const { hidden, bias, output, pairs } = critic
    const { layout } = pairs
    const { offsets, sizes, cells: width } = layout
    const draws = shares.length / width
    const units = new Float64Array(hidden)
    for (let k = 0; k < draws; k++) {
      const row = drawRow(layout, shares, k, random, step * draws + k)
      for (let h = 0; h < hidden; h++) units[h] = params[bias + h]!
      row.forEach((code, j) => {
        const from = (offsets[j]! + code) * hidden
        for (let h = 0; h < hidden; h++) units[h] = units[h]! + params[from + h]!
      })
      for (let j = 0; j < sizes.length; j++) {
        const own = (offsets[j]! + row[j]!) * hidden
        for (let cell = offsets[j]!; cell < offsets[j + 1]!; cell++) {
          const from = cell * hidden
          let value = 0
          for (let h = 0; h < hidden; h++) {
            const unit = units[h]! - params[own + h]! + params[from + h]!
            if (unit > 0) value += params[output + h]! * unit
          }
          at[k * width + cell] = at[k * width + cell]! - strength * value
        }
      }
    }
  }

const drawRow = (
  { offsets, sizes, cells: width }: Layout,
  shares: Float32Array,
  k: number,
  random: CounterRandom,
  n: number,
) =>
  Uint16Array.from(sizes, (size, j) => {
    let left = random.uniform(n, j)
    const start = k * width + offsets[j]!
    let code = 0
    while (code < size - 1 && (left -= shares[start + code]!) >= 0) code++
    return code
  })
