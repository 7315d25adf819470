import { CodedError } from '../../errors.ts'
import type { Layout } from '../cells.ts'
import type { AutoregressiveSettings } from './settings.ts'

/**
 * One masked dense matrix of `rows` x `width`. Row r has trained weights only from column `from[r]` on; in the packed
 * vector they lie together, starting at `at[r]`.
 */
export interface Block {
  readonly rows: number
  readonly width: number
  readonly from: Int32Array
  readonly at: Int32Array
}

/**
 * A masked autoregressive network (Germain et al. 2015, MADE) with a masked skip from input to output:
 * a = W1 x + b1, h = relu(a), z = W2 h + Ws x + b2, x the one-hot row. Every hidden unit sees a run of leading columns;
 * outputs of column j see columns before j, directly and through the hidden units that see no more than those.
 *
 * Hidden units are numbered by what they see: units `groups[c]` up to `groups[c + 1]` see columns 0 to c, and the units
 * are shared out over c = 0 .. columns - 2 in turn. Hence each mask is a suffix of each row, and the packed vector is
 *   inputHidden   for each input cell, the hidden units that see it          (W1, transposed)
 *   hiddenBias    for each hidden unit
 *   hiddenOutput  for each hidden unit, the output cells of later columns    (W2, transposed)
 *   inputOutput   for each input cell, the output cells of later columns     (Ws, transposed)
 *   outputBias    for each output cell
 */
export interface Network {
  readonly layout: Layout
  readonly settings: AutoregressiveSettings
  /** Hidden units in use: none when there is only one column. */
  readonly hidden: number
  /** One entry per column: the first unit that sees it; the last column is seen by none. */
  readonly groups: Int32Array
  /** Trained weights: the length of the packed vector. */
  readonly dimension: number
  readonly inputHidden: Block
  readonly hiddenBias: number
  readonly hiddenOutput: Block
  readonly inputOutput: Block
  readonly outputBias: number
}

/** The dense weights, row-major, zero where masked. Shapes in the order of `Network`'s five parts. */
export interface DenseWeights {
  readonly inputHidden: Float32Array
  readonly hiddenBias: Float32Array
  readonly hiddenOutput: Float32Array
  readonly inputOutput: Float32Array
  readonly outputBias: Float32Array
}

/** Places in the packed vector are 32-bit numbers. */
const mostWeights = 2 ** 31 - 1

/** Throws `ARGUMENT_INVALID` when a setting is out of range. */
export const networkOf = (layout: Layout, settings: AutoregressiveSettings): Network => {
  check(settings)
  const { offsets, cells, sizes } = layout
  if ((settings.hidden + cells) * cells > mostWeights)
    throw new CodedError(
      'ARGUMENT_INVALID',
      `${settings.hidden} hidden units and ${cells} levels make too large a network`,
    )
  const columns = sizes.length
  const hidden = columns > 1 ? settings.hidden : 0
  const groups = new Int32Array(columns)
  for (let c = 1; c < columns; c++) {
    const even = Math.floor(hidden / (columns - 1))
    groups[c] = groups[c - 1]! + even + (c - 1 < hidden % (columns - 1) ? 1 : 0)
  }
  const columnOfCell = (cell: number) => offsets.findLastIndex((start) => start <= cell)
  const lastSeenBy = (unit: number) => groups.findLastIndex((start) => start <= unit)
  const inputHidden = block(0, cells, hidden, (cell) => groups[columnOfCell(cell)]!)
  const hiddenBias = end(inputHidden)
  const hiddenOutput = block(hiddenBias + hidden, hidden, cells, (unit) => offsets[lastSeenBy(unit) + 1]!)
  const inputOutput = block(
    end(hiddenOutput, hiddenBias + hidden),
    cells,
    cells,
    (cell) => offsets[columnOfCell(cell) + 1]!,
  )
  const outputBias = end(inputOutput)
  const dimension = outputBias + cells
  return { layout, settings, hidden, groups, dimension, inputHidden, hiddenBias, hiddenOutput, inputOutput, outputBias }
}

/** The packed vector as dense matrices. */
export const unpack = (network: Network, params: Float32Array): DenseWeights => ({
  inputHidden: dense(network.inputHidden, params),
  hiddenBias: params.slice(network.hiddenBias, network.hiddenBias + network.hidden),
  hiddenOutput: dense(network.hiddenOutput, params),
  inputOutput: dense(network.inputOutput, params),
  outputBias: params.slice(network.outputBias),
})

/** The trained weights of dense matrices as one packed vector; masked entries are left out whatever they hold. */
export const pack = (network: Network, weights: DenseWeights): Float32Array => {
  const params = new Float32Array(network.dimension)
  for (const name of ['inputHidden', 'hiddenOutput', 'inputOutput'] as const) {
    const { rows, width, from, at } = network[name]
    for (let r = 0; r < rows; r++) params.set(weights[name].subarray(r * width + from[r]!, (r + 1) * width), at[r]!)
  }
  params.set(weights.hiddenBias, network.hiddenBias)
  params.set(weights.outputBias, network.outputBias)
  return params
}

/** One masked matrix of the packed vector, dense. */
export const dense = ({ rows, width, from, at }: Block, params: Float32Array): Float32Array => {
  const matrix = new Float32Array(rows * width)
  for (let r = 0; r < rows; r++) {
    const length = width - from[r]!
    matrix.set(params.subarray(at[r]!, at[r]! + length), r * width + from[r]!)
  }
  return matrix
}

const block = (start: number, rows: number, width: number, firstOf: (row: number) => number): Block => {
  const from = Int32Array.from({ length: rows }, (_, row) => firstOf(row))
  const at = new Int32Array(rows)
  for (let r = 0, next = start; r < rows; next += width - from[r++]!) at[r] = next
  return { rows, width, from, at }
}

const end = ({ rows, width, from, at }: Block, empty = 0) =>
  rows === 0 ? empty : at[rows - 1]! + width - from[rows - 1]!

const check = ({ hidden, learningRate, averagedShare }: AutoregressiveSettings) => {
  if (!Number.isInteger(hidden) || hidden < 1 || hidden > 65_536)
    throw new CodedError('ARGUMENT_INVALID', 'hidden must be a whole number from 1 to 65,536')
  if (!(learningRate > 0 && learningRate <= 1))
    throw new CodedError('ARGUMENT_INVALID', 'learningRate must be in (0, 1]')
  if (!(averagedShare >= 0 && averagedShare <= 1))
    throw new CodedError('ARGUMENT_INVALID', 'averagedShare must be in [0, 1]')
}
