import type { Generator } from '../../generator/generator.ts'
import { productSampler } from '../../generator/product-components.ts'
import type { ColumnCells } from '../cell-condition.ts'
import { type Layout, layoutOf } from '../cells.ts'
import { openArrays, sealArrays } from '../mixture/sealed-arrays.ts'

const format = 'tributary gan model 1'

/** What a gan study publishes: its generator at its fixed draws, which is a mixture of products. */
export interface GanModel {
  readonly layout: Layout
  /** draws x cells. */
  readonly shares: Float32Array
  readonly weights: Float64Array
  readonly marginals: Float64Array | null
  readonly levels: readonly (ColumnCells | null)[]
}

/** Rows come from `shares`; conditions on any columns are exact through the draws' posterior. */
export const ganGenerator = (model: GanModel): Generator => {
  const { layout, shares, weights, marginals, levels } = model
  return {
    family: 'gan',
    layout,
    marginals,
    levels,
    ...productSampler({ layout, probabilities: shares, weights }),
    encode: () =>
      sealArrays(
        format,
        { sizes: layout.sizes, marginals: marginals !== null, levels: levels.map((column) => column !== null) },
        [
          shares,
          weights,
          ...(marginals === null ? [] : [marginals]),
          ...levels.flatMap((column) => (column === null ? [] : [column.parent, column.share])),
        ],
      ),
  }
}

/** Throws `STATE_CORRUPT`. */
export const decodeGanGenerator = (bytes: Uint8Array): Generator =>
  openArrays(bytes, format, 'a released generator', ({ header, next }) => {
    const layout = layoutOf(header.sizes as number[])
    const grouped = header.levels as boolean[]
    if (grouped.length !== layout.sizes.length) throw new RangeError('levels')
    const shares = next('f4')
    const weights = next('f8', shares.length / layout.cells)
    const marginals = header.marginals === true ? next('f8', layout.cells) : null
    const levels = grouped.map((isGrouped): ColumnCells | null => {
      if (!isGrouped) return null
      const parent = next('u2')
      return { parent, share: next('f8', parent.length) }
    })
    return ganGenerator({ layout, shares, weights, marginals, levels })
  })
