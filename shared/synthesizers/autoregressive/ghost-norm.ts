import type { Network } from './network.ts'

/**
 * The squared L2 norm of one row's gradient without forming it (Goodfellow 2015; Li et al. 2022, ghost clipping). For a
 * masked layer z = (M . W) a it is (a^2 M^T) . g^2; here every mask is a step in the column order, so each product is a
 * running sum, and for a one-hot input a^2 = a. Cost: hidden + cells operations.
 *
 * `atHidden`, `atOutputs`: dLoss/da and dLoss/dz, `hidden`: relu(a), each read from its own start.
 */
export const squaredNorm = (
  network: Network,
  hidden: Float32Array,
  atHidden: Float32Array,
  hiddenStart: number,
  atOutputs: Float32Array,
  outputStart: number,
): number => {
  const { layout, groups } = network
  const { offsets } = layout
  let total = 0
  // From the last column back: `later` = squared output gradients of the columns after j.
  let later = 0
  let seeing = 0
  for (let j = layout.sizes.length - 1; j >= 0; j--) {
    let units = 0
    let activity = 0
    const stop = groups[j + 1] ?? groups[j]!
    for (let k = groups[j]!; k < stop; k++) {
      const gradient = atHidden[hiddenStart + k]!
      const value = hidden[hiddenStart + k]!
      units += gradient * gradient
      activity += value * value
    }
    // Units of group j feed the later columns; column j's cell feeds the units of its own and later groups.
    seeing += units
    total += activity * later + seeing + units
    let own = 0
    for (let i = offsets[j]!; i < offsets[j + 1]!; i++) {
      const gradient = atOutputs[outputStart + i]!
      own += gradient * gradient
    }
    // The cell of column j feeds the outputs of later columns by the skip; each output has a bias.
    total += later + own
    later += own
  }
  return total
}
