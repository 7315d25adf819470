import { openWorkspace, type Workspace } from '../../tensor/workspace.ts'
import type { Layout } from '../cells.ts'
import type { Network } from './network.ts'

/**
 * One chunk of rows on its way through the network, in one workspace. One-hot inputs touch one row of a matrix per column, so the
 * input layer and the skip are sums of such rows; hidden <-> output runs in the tensor engine.
 * All matrices are row-major with `rows` rows at most `capacity`.
 */
export interface Chunk {
  readonly space: Workspace
  readonly params: Float32Array
  /** The gradient, packed, in float64. */
  readonly sum: Float64Array
  /** rows x hidden: relu(W1 x + b1). */
  readonly hidden: Float32Array
  /** rows x hidden: dLoss/da. */
  readonly atHidden: Float32Array
  /** rows x cells: first the outputs z, then dLoss/dz = softmax - one-hot. */
  readonly outputs: Float32Array
  /** hidden x cells: h g^T of one slice of rows. */
  readonly product: Float32Array
  /** rows: the sum of all activations of a row, not finite as soon as one of them is not. */
  readonly health: Float64Array
}

/** Void once another is made: the next one has the same memory. */
export const chunkFor = (network: Network, params: Float32Array, capacity: number): Chunk => {
  const { hidden, dimension } = network
  const { cells } = network.layout
  const space = openWorkspace(dimension + capacity * (2 * hidden + cells) + hidden * cells, dimension)
  const own = space.float32(dimension)
  own.set(params)
  return {
    space,
    params: own,
    sum: space.float64(dimension),
    hidden: space.float32(capacity * hidden),
    atHidden: space.float32(capacity * hidden),
    outputs: space.float32(capacity * cells),
    product: space.float32(hidden * cells),
    health: new Float64Array(capacity),
  }
}

/** Fills `chunk.hidden` from rows first .. first + rows; a cell of `cells` must be inside the layout. */
export const enterHidden = (network: Network, cells: Uint16Array, first: number, rows: number, chunk: Chunk): void => {
  const { layout, hidden: units, hiddenBias, inputHidden } = network
  const { space, params, hidden } = chunk
  const { offsets } = layout
  const columns = layout.sizes.length
  for (let r = 0; r < rows; r++) {
    const row = r * units
    space.copy(hidden, row, params, hiddenBias, units)
    for (let j = 0; j < columns - 1; j++) {
      const cell = offsets[j]! + cells[(first + r) * columns + j]!
      const from = inputHidden.from[cell]!
      space.add(hidden, row + from, params, inputHidden.at[cell]!, units - from)
    }
    let health = 0
    for (let k = row; k < row + units; k++) health += hidden[k]!
    chunk.health[r] = health
  }
  space.gate(hidden, 0, hidden, 0, rows * units)
}

/**
 * Turns W2 h (`fromHidden`, rows x cells) into dLoss/dz in `chunk.outputs`: adds skip and bias, takes the softmax of each
 * column and subtracts the row's one-hot. Loss of a row: the sum over columns of the cross-entropy.
 */
export const leaveOutputs = (
  network: Network,
  cells: Uint16Array,
  first: number,
  rows: number,
  fromHidden: Float32Array,
  chunk: Chunk,
): void => {
  const { layout, inputOutput, outputBias } = network
  const { space, params, outputs } = chunk
  const { offsets } = layout
  const columns = layout.sizes.length
  const width = layout.cells
  outputs.set(fromHidden)
  for (let r = 0; r < rows; r++) {
    const row = r * width
    space.add(outputs, row, params, outputBias, width)
    for (let j = 0; j < columns - 1; j++) {
      const cell = offsets[j]! + cells[(first + r) * columns + j]!
      const from = inputOutput.from[cell]!
      space.add(outputs, row + from, params, inputOutput.at[cell]!, width - from)
    }
    let health = 0
    for (let i = row; i < row + width; i++) health += outputs[i]!
    chunk.health[r] = chunk.health[r]! + health
    softmaxByColumn(layout, outputs, row)
    for (let j = 0; j < columns; j++) {
      const cell = row + offsets[j]! + cells[(first + r) * columns + j]!
      outputs[cell] = outputs[cell]! - 1
    }
  }
}

const softmaxByColumn = ({ offsets }: Layout, logits: Float32Array, row: number) => {
  for (let j = 0; j + 1 < offsets.length; j++) {
    const start = row + offsets[j]!
    const end = row + offsets[j + 1]!
    let top = Number.NEGATIVE_INFINITY
    for (let i = start; i < end; i++) if (logits[i]! > top) top = logits[i]!
    let total = 0
    for (let i = start; i < end; i++) {
      const value = Math.exp(logits[i]! - top)
      logits[i] = value
      total += value
    }
    const scale = 1 / total
    for (let i = start; i < end; i++) logits[i] = logits[i]! * scale
  }
}

/** `chunk.atHidden`: `fromOutputs` (rows x hidden, W2^T dLoss/dz) where the unit is on, 0 where it is off. */
export const gateHidden = (fromOutputs: Float32Array, { space, hidden, atHidden }: Chunk): void => {
  atHidden.set(fromOutputs)
  space.gate(atHidden, 0, hidden, 0, fromOutputs.length)
}

/**
 * Adds the gradient of the two one-hot layers and both biases, summed over rows first .. first + rows, to the packed
 * float64 `chunk.sum`: a row's input is one-hot, so only the weights of its own cells change.
 */
export const addSparse = (network: Network, cells: Uint16Array, first: number, rows: number, chunk: Chunk): void => {
  const { layout, hidden, inputHidden, hiddenBias, inputOutput, outputBias } = network
  const { space, sum, atHidden, outputs } = chunk
  const { offsets } = layout
  const columns = layout.sizes.length
  const width = layout.cells
  for (let r = 0; r < rows; r++) {
    const h = r * hidden
    const z = r * width
    for (let j = 0; j < columns - 1; j++) {
      const cell = offsets[j]! + cells[(first + r) * columns + j]!
      const unit = inputHidden.from[cell]!
      space.addWide(sum, inputHidden.at[cell]!, atHidden, h + unit, hidden - unit)
      const output = inputOutput.from[cell]!
      space.addWide(sum, inputOutput.at[cell]!, outputs, z + output, width - output)
    }
    space.addWide(sum, hiddenBias, atHidden, h, hidden)
    space.addWide(sum, outputBias, outputs, z, width)
  }
}
