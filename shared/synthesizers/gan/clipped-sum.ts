import { mostPlaces } from '../../dp/random-places.ts'
import { CodedError } from '../../errors.ts'
import type { ClipNorm } from '../../units.ts'
import { isInside, rowCount } from '../cells.ts'
import { type ClippedSum, clippedSum, floatSlack } from '../clipped-sum.ts'
import { doubleCentre } from '../mixture/double-centre.ts'
import { pairShape } from '../mixture/pair-layout.ts'
import type { Critic } from './critic.ts'

/**
 * The sum over rows of the gradient of D, clipped by parts: a row's double-centred pairs of cells, all of one length sqrt(share) C,
 * and the network's gradient, clipped to sqrt(1 - share) C; `critic.dimension` long. Sensitivity C = `clipNorm` under adding or
 * removing one row (the caller drew one row per unit).
 *
 * Proof. |e_i - 1/g_i|^2 = 1 - 1/g_i, so a row's pairs have squared length sum w_ij^2 (1 - 1/g_i) (1 - 1/g_j) = share target^2
 * whatever the row, target = C (1 - 2^-10); the network's part stands in other coordinates and has at most (1 - share) target^2.
 * Pairs are counted, then centred and scaled once, which is linear: whole numbers are exact, and centring and scaling round by
 * 2^-51 of 2^20 rows at most. Elsewhere no per-row gradient is formed: |dD|^2 = |relu(a)|^2 + (columns + 1) |v on|^2 (ghost norm).
 * All sums are in float64 from the first row (R15): a row adds at most C, N <= 2^20 rows err by N^2 2^-53 C = 2^-13 C in either
 * world (docs/privacy.md, lemma 1), the rounding of the row's own vector by less than 2^-23 C. No row meets another (R23). A row
 * that is not finite, or has a code outside the layout, or does not count, adds exactly nothing, by selection (R14), after the same
 * work (R10).
 * Throws `ARGUMENT_INVALID` for marks that do not fit the rows. Cost: rows x columns x (columns / 2 + 2 x hidden), padding included.
 */
export const criticGradientSum = (
  critic: Critic,
  params: Float32Array,
  cells: Uint16Array,
  clipNorm: ClipNorm,
  counts: Uint8Array | null,
): ClippedSum => {
  const { layout } = critic.pairs
  const rows = rowCount(layout, cells)
  if ((counts !== null && counts.length !== rows) || rows > mostPlaces)
    throw new CodedError('ARGUMENT_INVALID', `a batch has one mark a row and at most ${mostPlaces} rows`)
  const target = clipNorm * (1 - floatSlack)
  const sum = new Float64Array(critic.dimension)
  const row = new Uint16Array(layout.sizes.length)
  const step = networkStep(critic, params, Math.sqrt(1 - critic.pairsShare) * target)
  for (let r = 0; r < rows; r++) {
    const inside = isInside(layout, cells, r)
    for (let j = 0; j < row.length; j++) row[j] = inside ? cells[r * row.length + j]! : 0
    const counting = inside && (counts === null || counts[r] !== 0) ? 1 : 0
    const isFinite = step(row, counting, sum)
    countPairs(critic, row, counting === 1 && isFinite ? 1 : 0, sum)
  }
  centrePairs(critic, clipNorm, sum)
  return clippedSum(sum, clipNorm)
}

/** D's network at a row, and its clipped gradient; the same function looks at the generator's rows. */
export const networkStep = (
  { hidden, bias, output, pairs }: Critic,
  params: Float32Array,
  target: number,
): ((row: Uint16Array, weight: number, sum: Float64Array) => boolean) => {
  const { offsets } = pairs.layout
  const first = pairs.dimension
  const units = new Float64Array(hidden)
  return (row, weight, sum) => {
    for (let k = 0; k < hidden; k++) units[k] = params[bias + k]!
    for (let j = 0; j < row.length; j++) {
      const at = (offsets[j]! + row[j]!) * hidden
      for (let k = 0; k < hidden; k++) units[k] = units[k]! + params[at + k]!
    }
    let active = 0
    let passed = 0
    for (let k = 0; k < hidden; k++) {
      const value = Math.max(units[k]!, 0)
      const slope = units[k]! > 0 ? params[output + k]! : 0
      active += value * value
      passed += slope * slope
    }
    const norm = Math.sqrt(active + (row.length + 1) * passed)
    const isFinite = Number.isFinite(norm)
    const counts = isFinite ? weight : 0
    const coefficient = norm <= target ? counts : (target / norm) * counts
    for (let k = 0; k < hidden; k++) {
      const value = counts !== 0 ? Math.max(units[k]!, 0) * coefficient : 0
      const at = first + output + k
      sum[at] = sum[at]! + value
      units[k] = counts !== 0 && units[k]! > 0 ? params[output + k]! * coefficient : 0
    }
    for (let k = 0; k < hidden; k++) sum[first + bias + k] = sum[first + bias + k]! + units[k]!
    for (let j = 0; j < row.length; j++) {
      const at = first + (offsets[j]! + row[j]!) * hidden
      for (let k = 0; k < hidden; k++) sum[at + k] = sum[at + k]! + units[k]!
    }
    return isFinite
  }
}

const countPairs = ({ pairs }: Critic, row: Uint16Array, weight: number, sum: Float64Array) => {
  const { left, right, offsets } = pairs
  const { sizes } = pairs.layout
  for (let pair = 0; pair < left.length; pair++) {
    const j = right[pair]!
    const at = offsets[pair]! + row[left[pair]!]! * sizes[j]! + row[j]!
    sum[at] = sum[at]! + weight
  }
}

const centrePairs = ({ pairs, pairWeights }: Critic, clipNorm: number, sum: Float64Array) => {
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { rows, columns, at } = pairShape(pairs, pair)
    const block = sum.subarray(at, at + rows * columns)
    doubleCentre(block, rows, columns)
    const weight = pairWeights[pair]! * clipNorm
    for (let cell = 0; cell < block.length; cell++) block[cell] = block[cell]! * weight
  }
}

/** Throws `ROUND_REFUSED` for weights of another number or not finite, before any row is read (R14). */
export const refuseUnfit = (critic: Critic, params: Float32Array): void => {
  if (params.length !== critic.weights)
    throw new CodedError('ROUND_REFUSED', `${critic.weights} weights of the critic expected, got ${params.length}`)
  const unfit = params.findIndex((value) => !Number.isFinite(value))
  if (unfit >= 0) throw new CodedError('ROUND_REFUSED', `weight ${unfit} of the critic is not finite`)
}
