import { CodedError } from '../errors.ts'
import type { Layout } from '../synthesizers/cells.ts'
import type { CounterRandom } from '../synthesizers/counter-random.ts'
import type { Generator, RowWalk } from './generator.ts'

/**
 * A mixture of products (latent class model, Lazarsfeld and Henry 1968): a component is drawn by weight, then each column by
 * itself from the component's shares. Conditionals are exact: taken codes change only how likely each component is.
 */
export interface ProductComponents {
  readonly layout: Layout
  /** components x cells, row-major: shares of each column's levels, not negative, adding up to something above 0. */
  readonly probabilities: Float32Array
  /** One a component, not negative, adding up to something above 0. */
  readonly weights: Float64Array
}

/** The least mass that a walk reports, so that every logit is finite. */
const leastMass = 2 ** -100
const golden = (Math.sqrt(5) - 1) / 2

/**
 * Rows and walks of a mixture of products, equal for equal components. Throws `ARGUMENT_INVALID` where the numbers are not
 * shares. Memory: another components x cells float32 numbers for the running sums.
 *
 * `drawRows`: row i takes the component at the point i x 0.618... + shift (modulo 1) of the running weights (Kronecker's sequence,
 * of lowest discrepancy), so that any run of rows has every component nearly as often as its weight says; row i depends on
 * the seed and i alone. Cost: columns x levels / 2 comparisons a row.
 * `walk`: components x cells multiplications a row. A code without mass in any component leaves the components as they were.
 */
export const productSampler = (components: ProductComponents): Pick<Generator, 'drawRows' | 'walk'> => {
  refuseUnfit(components)
  const { layout, weights } = components
  const { offsets, sizes, cells: width } = layout
  const columns = sizes.length
  const running = runningShares(components)
  const upTo = runningWeights(weights)
  const prior = normalised(weights)
  let first: Float32Array | null = null

  const drawRows = (random: CounterRandom, from: number, rows: number): Uint16Array => {
    const cells = new Uint16Array(rows * columns)
    const shift = random.uniform(0, columns)
    for (let r = 0; r < rows; r++) {
      const point = ((from + r) * golden + shift) % 1
      const start = placeOf(upTo, point) * width
      for (let j = 0; j < columns; j++) {
        const last = start + offsets[j + 1]! - 1
        const mass = random.uniform(from + r, j) * running[last]!
        let cell = start + offsets[j]!
        while (cell < last && running[cell]! <= mass) cell++
        cells[r * columns + j] = cell - start - offsets[j]!
      }
    }
    return cells
  }

  const walk = (): RowWalk => {
    const logits = new Float32Array(width)
    const posterior = prior.slice()
    const enter = (column: number) => {
      if (column < columns) addUp(components, posterior, column, logits)
    }
    return {
      logits,
      start() {
        posterior.set(prior)
        if (first === null) {
          enter(0)
          first = logits.slice(0, offsets[1])
        } else logits.set(first)
      },
      take(column, code) {
        if (column + 1 >= columns) return
        update(components, posterior, offsets[column]! + code)
        enter(column + 1)
      },
    }
  }
  return { drawRows, walk }
}

/** log-masses of one column under the components' posterior, into `logits`. */
const addUp = (
  { layout, probabilities }: ProductComponents,
  posterior: Float64Array,
  column: number,
  out: Float32Array,
) => {
  const { offsets, cells: width } = layout
  const from = offsets[column]!
  const size = offsets[column + 1]! - from
  const masses = new Float64Array(size)
  for (let k = 0, at = from; k < posterior.length; k++, at += width) {
    const weight = posterior[k]!
    if (weight !== 0) for (let a = 0; a < size; a++) masses[a] = masses[a]! + weight * probabilities[at + a]!
  }
  for (let a = 0; a < size; a++) out[from + a] = Math.log(Math.max(masses[a]!, leastMass))
}

/** Bayes: each component by its share of `cell`, scaled to add up to one; unchanged where nothing would be left. */
const update = ({ layout, probabilities }: ProductComponents, posterior: Float64Array, cell: number) => {
  const { cells: width } = layout
  let total = 0
  for (let k = 0, at = cell; k < posterior.length; k++, at += width) total += posterior[k]! * probabilities[at]!
  if (!(total > leastMass)) return
  for (let k = 0, at = cell; k < posterior.length; k++, at += width)
    posterior[k] = (posterior[k]! * probabilities[at]!) / total
}

const runningShares = ({ layout, probabilities }: ProductComponents) => {
  const { offsets, cells: width } = layout
  const running = new Float32Array(probabilities.length)
  for (let start = 0; start < running.length; start += width)
    for (let j = 0; j + 1 < offsets.length; j++) {
      let sum = 0
      for (let i = start + offsets[j]!; i < start + offsets[j + 1]!; i++) running[i] = sum += probabilities[i]!
    }
  return running
}

const normalised = (weights: Float64Array) => {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

const runningWeights = (weights: Float64Array) => {
  let sum = 0
  return normalised(weights).map((weight) => (sum += weight))
}

/** The first place whose running sum is above `point`; the last one where rounding left none. */
const placeOf = (upTo: Float64Array, point: number) => {
  let low = 0
  let high = upTo.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (upTo[middle]! > point) high = middle
    else low = middle + 1
  }
  return low
}

const refuseUnfit = ({ layout, probabilities, weights }: ProductComponents) => {
  const { offsets, cells: width } = layout
  const isMass = (value: number) => Number.isFinite(value) && value >= 0
  if (weights.length === 0 || probabilities.length !== weights.length * width)
    throw new CodedError('ARGUMENT_INVALID', 'a mixture has one row of shares for each weight, and at least one')
  if (!weights.every(isMass) || !(weights.reduce((sum, weight) => sum + weight, 0) > 0))
    throw new CodedError('ARGUMENT_INVALID', 'weights of components are not negative and add up to something')
  if (!probabilities.every(isMass)) throw new CodedError('ARGUMENT_INVALID', 'a share is negative or not finite')
  for (let start = 0; start < probabilities.length; start += width)
    for (let j = 0; j + 1 < offsets.length; j++) {
      let sum = 0
      for (let i = start + offsets[j]!; i < start + offsets[j + 1]!; i++) sum += probabilities[i]!
      if (!(sum > 0)) throw new CodedError('ARGUMENT_INVALID', `column ${j} of a component has no mass`)
    }
}
