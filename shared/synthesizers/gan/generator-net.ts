import type { Layout } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { addProduct, transposed } from './product.ts'

/**
 * The generator: latent z and condition c -> relu(B z + C[c] + b) -> one softmax a column over H h + o; the column of the condition
 * is its level for certain. Packed: latentHidden (latents x hidden), conditionHidden (cells x hidden), hiddenBias (hidden),
 * hiddenOutput (hidden x cells), outputBias (cells).
 */
export interface GeneratorNet {
  readonly layout: Layout
  readonly latents: number
  readonly hidden: number
  readonly conditionHidden: number
  readonly hiddenBias: number
  readonly hiddenOutput: number
  readonly outputBias: number
  readonly dimension: number
}

export const generatorNetOf = (layout: Layout, latents: number, hidden: number): GeneratorNet => {
  const { cells } = layout
  const conditionHidden = latents * hidden
  const hiddenBias = conditionHidden + cells * hidden
  const hiddenOutput = hiddenBias + hidden
  const outputBias = hiddenOutput + hidden * cells
  return {
    layout,
    latents,
    hidden,
    conditionHidden,
    hiddenBias,
    hiddenOutput,
    outputBias,
    dimension: outputBias + cells,
  }
}

/** Draws that the generator is evaluated at: latents rows x latents, and for each the cell it is conditioned on. */
export interface Draws {
  readonly latents: Float32Array
  readonly conditions: Int32Array
}

/** Least share that a bias starts from, so that a level the noise wiped out can still come back. */
const leastShare = 1e-4

/** Small random weights; output biases at the logarithms of the noisy shares, so that untrained columns are independent. */
export const initialNet = (net: GeneratorNet, shares: Float64Array, seed: number): Float32Array => {
  const random = counterRandom(seed, 10)
  const params = new Float32Array(net.dimension)
  const inputScale = 1 / Math.sqrt(net.latents)
  const outputScale = 0.5 / Math.sqrt(net.hidden)
  for (let i = 0; i < net.conditionHidden; i++) params[i] = inputScale * random.normal(i, 0)
  for (let i = net.conditionHidden; i < net.hiddenBias; i++) params[i] = random.normal(i, 0)
  for (let i = net.hiddenOutput; i < net.outputBias; i++) params[i] = outputScale * random.normal(i, 0)
  shares.forEach((share, cell) => {
    params[net.outputBias + cell] = Math.log(Math.max(share, leastShare))
  })
  return params
}

/** What a pass keeps for the way back. */
export interface Pass {
  /** rows x hidden: after relu. */
  readonly hidden: Float32Array
  /** rows x cells: the softmax of every column, one-hot where conditioned. */
  readonly shares: Float32Array
}

/** Cost: rows x hidden x (latents + cells). */
export const forward = (net: GeneratorNet, params: Float32Array, draws: Draws): Pass => {
  const { layout, latents, hidden } = net
  const { cells: width } = layout
  const rows = draws.conditions.length
  const units = new Float32Array(rows * hidden)
  const logits = new Float32Array(rows * width)
  const bias = params.subarray(net.hiddenBias, net.hiddenOutput)
  for (let r = 0; r < rows; r++) {
    const condition = net.conditionHidden + draws.conditions[r]! * hidden
    for (let k = 0; k < hidden; k++) units[r * hidden + k] = bias[k]! + params[condition + k]!
    logits.set(params.subarray(net.outputBias), r * width)
  }
  addProduct(units, draws.latents, params.subarray(0, net.conditionHidden), rows, latents, hidden)
  for (let i = 0; i < units.length; i++) if (!(units[i]! > 0)) units[i] = 0
  addProduct(logits, units, params.subarray(net.hiddenOutput, net.outputBias), rows, hidden, width)
  softmaxColumns(layout, logits, draws.conditions)
  return { hidden: units, shares: logits }
}

/**
 * dLoss/dparams from dLoss/dshares (`atShares`, rows x cells; overwritten by dLoss/dlogits). Conditioned columns pass nothing on.
 */
export const backward = (
  net: GeneratorNet,
  params: Float32Array,
  draws: Draws,
  pass: Pass,
  atShares: Float32Array,
): Float32Array => {
  const { layout, latents, hidden } = net
  const { cells: width } = layout
  const rows = draws.conditions.length
  const gradient = new Float32Array(net.dimension)
  throughSoftmax(layout, pass.shares, atShares)
  addProduct(
    gradient.subarray(net.hiddenOutput, net.outputBias),
    transposed(pass.hidden, rows, hidden),
    atShares,
    hidden,
    rows,
    width,
  )
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < width; i++)
      gradient[net.outputBias + i] = gradient[net.outputBias + i]! + atShares[r * width + i]!
  const atHidden = new Float32Array(rows * hidden)
  const outputHidden = transposed(params.subarray(net.hiddenOutput, net.outputBias), hidden, width)
  addProduct(atHidden, atShares, outputHidden, rows, width, hidden)
  for (let i = 0; i < atHidden.length; i++) if (pass.hidden[i] === 0) atHidden[i] = 0
  for (let r = 0; r < rows; r++) {
    const condition = net.conditionHidden + draws.conditions[r]! * hidden
    for (let k = 0; k < hidden; k++) {
      const value = atHidden[r * hidden + k]!
      gradient[condition + k] = gradient[condition + k]! + value
      gradient[net.hiddenBias + k] = gradient[net.hiddenBias + k]! + value
    }
  }
  addProduct(
    gradient.subarray(0, net.conditionHidden),
    transposed(draws.latents, rows, latents),
    atHidden,
    latents,
    rows,
    hidden,
  )
  return gradient
}

const softmaxColumns = ({ offsets, cells: width }: Layout, logits: Float32Array, conditions: Int32Array) => {
  for (let r = 0; r < conditions.length; r++) {
    const row = r * width
    const condition = conditions[r]!
    for (let j = 0; j + 1 < offsets.length; j++) {
      const start = row + offsets[j]!
      const end = row + offsets[j + 1]!
      if (condition >= offsets[j]! && condition < offsets[j + 1]!) {
        logits.fill(0, start, end)
        logits[row + condition] = 1
        continue
      }
      let top = Number.NEGATIVE_INFINITY
      for (let i = start; i < end; i++) if (logits[i]! > top) top = logits[i]!
      let total = 0
      for (let i = start; i < end; i++) total += logits[i] = Math.exp(logits[i]! - top)
      for (let i = start; i < end; i++) logits[i] = logits[i]! / total
    }
  }
}

/** dLoss/dlogits = p (g - <p, g>) for each column; 0 where p is one-hot. In place. */
const throughSoftmax = ({ offsets, cells: width }: Layout, shares: Float32Array, gradient: Float32Array) => {
  for (let row = 0; row < shares.length; row += width)
    for (let j = 0; j + 1 < offsets.length; j++) {
      let mean = 0
      for (let i = row + offsets[j]!; i < row + offsets[j + 1]!; i++) mean += shares[i]! * gradient[i]!
      for (let i = row + offsets[j]!; i < row + offsets[j + 1]!; i++) gradient[i] = shares[i]! * (gradient[i]! - mean)
    }
}
