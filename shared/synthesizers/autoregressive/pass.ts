import type { Layout } from '../cells.ts'
import type { Network } from './network.ts'

/**
 * One chunk of rows on its way through the network. One-hot inputs touch one row of a matrix per column, so the input
 * layer and the skip are sums of such rows in plain typed arrays; hidden <-> output runs in the tensor engine.
 * All matrices are row-major with `rows` rows at most `capacity`.
 */
export interface Chunk {
  readonly capacity: number
  /** rows x hidden: relu(W1 x + b1). */
  readonly hidden: Float32Array
  /** rows x cells: first the outputs z, then dLoss/dz = softmax - one-hot. */
  readonly outputs: Float32Array
  /** rows: the sum of all activations of a row, not finite as soon as one of them is not. */
  readonly health: Float64Array
}

export const chunkFor = (network: Network, capacity: number): Chunk => ({
  capacity,
  hidden: new Float32Array(capacity * network.hidden),
  outputs: new Float32Array(capacity * network.layout.cells),
  health: new Float64Array(capacity),
})

/** Fills `chunk.hidden` from rows first .. first + rows; a cell of `cells` must be inside the layout. */
export const enterHidden = (
  network: Network,
  params: Float32Array,
  cells: Uint16Array,
  first: number,
  rows: number,
  chunk: Chunk,
): void => {
  const { layout, hidden, hiddenBias, inputHidden } = network
  const { offsets } = layout
  const columns = layout.sizes.length
  const sums = new Float32Array(hidden)
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < hidden; k++) sums[k] = params[hiddenBias + k]!
    for (let j = 0; j < columns - 1; j++) {
      const cell = offsets[j]! + cells[(first + r) * columns + j]!
      const from = inputHidden.from[cell]!
      const shift = inputHidden.at[cell]! - from
      for (let k = from; k < hidden; k++) sums[k] = sums[k]! + params[shift + k]!
    }
    let health = 0
    const out = r * hidden
    for (let k = 0; k < hidden; k++) {
      const sum = sums[k]!
      health += sum
      chunk.hidden[out + k] = sum > 0 ? sum : 0
    }
    chunk.health[r] = health
  }
}

/**
 * Turns W2 h (`fromHidden`, rows x cells) into dLoss/dz in `chunk.outputs`: adds skip and bias, takes the softmax of each
 * column and subtracts the row's one-hot. Loss of a row: the sum over columns of the cross-entropy.
 */
export const leaveOutputs = (
  network: Network,
  params: Float32Array,
  cells: Uint16Array,
  first: number,
  rows: number,
  fromHidden: Float32Array,
  chunk: Chunk,
): void => {
  const { layout, inputOutput, outputBias } = network
  const { offsets } = layout
  const columns = layout.sizes.length
  const width = layout.cells
  const sums = new Float32Array(width)
  for (let r = 0; r < rows; r++) {
    const row = r * width
    for (let i = 0; i < width; i++) sums[i] = fromHidden[row + i]! + params[outputBias + i]!
    for (let j = 0; j < columns - 1; j++) {
      const cell = offsets[j]! + cells[(first + r) * columns + j]!
      const from = inputOutput.from[cell]!
      const shift = inputOutput.at[cell]! - from
      for (let i = from; i < width; i++) sums[i] = sums[i]! + params[shift + i]!
    }
    let health = 0
    for (let i = 0; i < width; i++) health += sums[i]!
    chunk.health[r] = chunk.health[r]! + health
    softmaxByColumn(layout, sums, chunk.outputs, row)
    for (let j = 0; j < columns; j++) {
      const cell = row + offsets[j]! + cells[(first + r) * columns + j]!
      chunk.outputs[cell] = chunk.outputs[cell]! - 1
    }
  }
}

const softmaxByColumn = ({ offsets }: Layout, logits: Float32Array, out: Float32Array, row: number) => {
  for (let j = 0; j + 1 < offsets.length; j++) {
    const start = offsets[j]!
    const end = offsets[j + 1]!
    let top = Number.NEGATIVE_INFINITY
    for (let i = start; i < end; i++) if (logits[i]! > top) top = logits[i]!
    let total = 0
    for (let i = start; i < end; i++) {
      const value = Math.exp(logits[i]! - top)
      out[row + i] = value
      total += value
    }
    const scale = 1 / total
    for (let i = start; i < end; i++) out[row + i] = out[row + i]! * scale
  }
}

/** dLoss/da: `fromOutputs` (rows x hidden, W2^T dLoss/dz) where the unit is on, 0 where it is off; in place. */
export const gateHidden = (length: number, hidden: Float32Array, fromOutputs: Float32Array): void => {
  for (let k = 0; k < length; k++) if (!(hidden[k]! > 0)) fromOutputs[k] = 0
}

/**
 * Adds the gradient of the two one-hot layers and both biases, summed over rows first .. first + rows, to the packed
 * float64 `sum`: a row's input is one-hot, so only the weights of its own cells change. `atHidden` (rows x hidden) and
 * `atOutputs` (rows x cells) hold dLoss/da and dLoss/dz.
 */
export const addSparse = (
  network: Network,
  cells: Uint16Array,
  first: number,
  rows: number,
  atHidden: Float32Array,
  atOutputs: Float32Array,
  sum: Float64Array,
): void => {
  const { layout, hidden, inputHidden, hiddenBias, inputOutput, outputBias } = network
  const { offsets } = layout
  const columns = layout.sizes.length
  const width = layout.cells
  for (let r = 0; r < rows; r++) {
    const h = r * hidden
    const z = r * width
    for (let j = 0; j < columns - 1; j++) {
      const cell = offsets[j]! + cells[(first + r) * columns + j]!
      const unit = inputHidden.from[cell]!
      const toUnit = inputHidden.at[cell]! - unit
      for (let k = unit; k < hidden; k++) sum[toUnit + k] = sum[toUnit + k]! + atHidden[h + k]!
      const output = inputOutput.from[cell]!
      const toOutput = inputOutput.at[cell]! - output
      for (let i = output; i < width; i++) sum[toOutput + i] = sum[toOutput + i]! + atOutputs[z + i]!
    }
    for (let k = 0; k < hidden; k++) sum[hiddenBias + k] = sum[hiddenBias + k]! + atHidden[h + k]!
    for (let i = 0; i < width; i++) sum[outputBias + i] = sum[outputBias + i]! + atOutputs[z + i]!
  }
}

/** Copies rows x columns into columns x rows; blocked, since a strided write costs a cache line. */
export const transpose = (from: Float32Array, rows: number, columns: number): Float32Array => {
  const to = new Float32Array(rows * columns)
  const block = 16
  for (let start = 0; start < rows; start += block) {
    const stop = Math.min(start + block, rows)
    for (let c = 0; c < columns; c++) for (let r = start; r < stop; r++) to[c * rows + r] = from[r * columns + c]!
  }
  return to
}
