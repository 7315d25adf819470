import type { ReleasedModel } from './training-state.ts'

/**
 * One row on its way through the network, column by column: `logits` of column j are ready once columns 0 to j - 1 are taken.
 * Sums before the activation are kept up to date: a taken code adds its weights to the hidden units and outputs that see it,
 * and a unit that has seen all its columns adds to the outputs once, if it is on.
 * Cost of a row: about (columns x (hidden + cells) + hidden x cells) / 2 additions, in float32, always in the same order.
 */
export interface RowWalk {
  /** All cells of the layout; a column's are `offsets[j]` up to `offsets[j + 1]`. Whoever reads a column may overwrite it. */
  readonly logits: Float32Array
  start(): void
  /** `code` of column `column`: columns in order, each once. */
  take(column: number, code: number): void
}

export const rowWalk = ({ network, params }: ReleasedModel): RowWalk => {
  const { layout, hidden, groups, inputHidden, hiddenBias, hiddenOutput, inputOutput, outputBias } = network
  const { offsets, cells: width } = layout
  const last = layout.sizes.length - 1
  const units = new Float32Array(hidden)
  const logits = new Float32Array(width)
  const unitBias = params.slice(hiddenBias, hiddenBias + hidden)
  const logitBias = params.slice(outputBias, outputBias + width)

  const on = new Int32Array(hidden)
  /** logits += value x weights for each unit that is on; four in one pass over the logits, each rounded on its own as ever. */
  const addUnits = (first: number, end: number) => {
    let count = 0
    for (let k = first; k < end; k++) if (units[k]! > 0) on[count++] = k
    if (count === 0) return
    const from = hiddenOutput.from[first]!
    const at = hiddenOutput.at[first]! - from
    const stride = width - from
    let n = 0
    for (; n + 4 <= count; n += 4) {
      const a = units[on[n]!]!
      const b = units[on[n + 1]!]!
      const c = units[on[n + 2]!]!
      const d = units[on[n + 3]!]!
      const atA = at + (on[n]! - first) * stride
      const atB = at + (on[n + 1]! - first) * stride
      const atC = at + (on[n + 2]! - first) * stride
      const atD = at + (on[n + 3]! - first) * stride
      for (let i = from; i < width; i++) {
        const two = Math.fround(Math.fround(logits[i]! + a * params[atA + i]!) + b * params[atB + i]!)
        logits[i] = Math.fround(two + c * params[atC + i]!) + d * params[atD + i]!
      }
    }
    for (; n < count; n++) {
      const value = units[on[n]!]!
      const shift = at + (on[n]! - first) * stride
      for (let i = from; i < width; i++) logits[i] = logits[i]! + value * params[shift + i]!
    }
  }

  return {
    logits,
    start() {
      units.set(unitBias)
      logits.set(logitBias)
    },
    take(column, code) {
      if (column === last) return
      const cell = offsets[column]! + code
      const unitFrom = inputHidden.from[cell]!
      const unitAt = inputHidden.at[cell]! - unitFrom
      for (let k = unitFrom; k < hidden; k++) units[k] = units[k]! + params[unitAt + k]!
      const logitFrom = inputOutput.from[cell]!
      const logitAt = inputOutput.at[cell]! - logitFrom
      for (let i = logitFrom; i < width; i++) logits[i] = logits[i]! + params[logitAt + i]!
      addUnits(groups[column]!, groups[column + 1]!)
    },
  }
}
