import { mostPlaces } from '../../dp/random-places.ts'
import { CodedError } from '../../errors.ts'
import type { Engine } from '../../tensor/engine.ts'
import type { ClipNorm } from '../../units.ts'
import { isInside, type Layout, rowCount } from '../cells.ts'
import { type ClippedSum, clippedSum, floatSlack } from '../clipped-sum.ts'
import { squaredNorm } from './ghost-norm.ts'
import { hiddenOutputOf } from './hidden-output.ts'
import type { Network } from './network.ts'
import { addSparse, type Chunk, chunkFor, enterHidden, gateHidden, leaveOutputs } from './pass.ts'

/** Rows at a time: bounds memory. */
const chunkRows = 1024

/**
 * The sum over rows of the gradient of the row's loss (the cross-entropies of its columns, added), each clipped as a whole
 * to L2 norm C = `clipNorm`; `network.dimension` long, in packed order. Sensitivity C under adding or removing one row: the
 * caller drew one row per unit. Clipping aims at C (1 - 2^-10), which pays for float32 rounding (see `floatSlack`).
 *
 * No per-row gradient is formed: norms by the ghost norm, then one weighted sum (book-keeping, Bu et al. 2023). A row whose
 * activations or gradient are not finite, or with a code outside the layout, adds exactly nothing (R14). No rows: zeros.
 * `counts`: 1 for each row that counts (null: all); the others are padding and go through the same work, so that shapes and time
 * follow the length of `cells` alone (R10). Rows are summed in their order, in float32 for 64 rows and in float64 from there (R15);
 * neighbours are batches of which one has a counting row where the other has padding, as the sampler places them.
 * Throws `ROUND_REFUSED` for parameters of the wrong length or not finite, before any row is read.
 * Cost: 6 x hidden x cells flops a row in the engine and about rows x columns x (hidden + cells) additions outside, padding
 * included.
 */
export const gradientSum = (
  engine: Engine,
  network: Network,
  params: Float32Array,
  cells: Uint16Array,
  clipNorm: ClipNorm,
  counts: Uint8Array | null = null,
): ClippedSum => {
  refuseUnfit(network, params)
  const { layout } = network
  const rows = rowCount(layout, cells)
  if ((counts !== null && counts.length !== rows) || rows > mostPlaces)
    throw new CodedError('ARGUMENT_INVALID', `a batch has one mark a row and at most ${mostPlaces} rows`)
  const target = clipNorm * (1 - floatSlack)
  const chunk = chunkFor(network, params, Math.min(chunkRows, rows))
  const weights = hiddenOutputOf(engine, network, params)
  const inside = withCodesInside(layout, cells, rows)
  try {
    for (let first = 0; first < rows; first += chunkRows) {
      const count = Math.min(chunkRows, rows - first)
      enterHidden(network, inside, first, count, chunk)
      leaveOutputs(network, inside, first, count, weights.forward(chunk.hidden, count), chunk)
      gateHidden(weights.backward(chunk.outputs, count), chunk)
      clipRows(network, chunk, target, count, (r) => counts?.[first + r] !== 0 && isInside(layout, cells, first + r))
      addSparse(network, inside, first, count, chunk)
      weights.addGradient(chunk, count)
    }
  } finally {
    weights.dispose()
  }
  return clippedSum(chunk.sum, clipNorm)
}

/** Throws `ROUND_REFUSED` for weights of another number or not finite. */
export const refuseUnfit = (network: Network, params: Float32Array) => {
  if (params.length !== network.dimension)
    throw new CodedError('ROUND_REFUSED', `${network.dimension} parameters expected, got ${params.length}`)
  for (let i = 0; i < params.length; i++)
    if (!Number.isFinite(params[i]!)) throw new CodedError('ROUND_REFUSED', `parameter ${i} is not finite`)
}

/** The same rows, those with a code outside the layout read as all zeros: their vector is dropped, their work is not. */
const withCodesInside = (layout: Layout, cells: Uint16Array, rows: number) => {
  let inside = cells
  const columns = layout.sizes.length
  for (let row = 0; row < rows; row++) {
    if (isInside(layout, cells, row)) continue
    if (inside === cells) inside = cells.slice()
    inside.fill(0, row * columns, (row + 1) * columns)
  }
  return inside
}

/**
 * Scales each row's gradient, dLoss/da and dLoss/dz, to at most `target`. Rows that may not count (padding, codes outside, not
 * finite) are zeroed by selection in every factor: a coefficient of 0 would leave 0 times NaN. The work is one for all rows.
 */
const clipRows = (
  network: Network,
  { space, hidden, atHidden, outputs, health }: Chunk,
  target: number,
  rows: number,
  mayCount: (row: number) => boolean,
) => {
  const units = network.hidden
  const width = network.layout.cells
  for (let r = 0; r < rows; r++) {
    const h = r * units
    const z = r * width
    const norm = Math.sqrt(squaredNorm(network, hidden, atHidden, h, outputs, z))
    const counts = mayCount(r) && Number.isFinite(health[r]!) && Number.isFinite(norm)
    const coefficient = norm <= target ? 1 : target / norm
    space.scale(hidden, h, units, 1, counts)
    space.scale(atHidden, h, units, coefficient, counts)
    space.scale(outputs, z, width, coefficient, counts)
  }
}
