import type { Generator } from '../../generator/generator.ts'
import type { ColumnCells } from '../cell-condition.ts'
import { type Layout, layoutOf } from '../cells.ts'
import { drawRows } from './draw-rows.ts'
import { type Mixture, pairShares } from './mixture.ts'
import { mixtureWalk } from './mixture-walk.ts'
import type { OutcomeLaw } from './outcome-law.ts'
import { type OpenedArrays, openArrays, sealArrays } from './sealed-arrays.ts'

const format = 'tributary mixture model 1'

/** A fitted mixture as everything that draws rows takes it. */
export const mixtureGenerator = (mixture: Mixture): Generator => {
  let expected: Float32Array | null | undefined
  return {
    family: 'mixture',
    layout: mixture.layout,
    marginals: mixture.marginals,
    followsMarginals: true,
    levels: mixture.levels,
    drawRows(random, first, rows) {
      expected ??= rows > mixture.components ? pairShares(mixture) : undefined
      return drawRows(mixture, expected ?? null, random, first, rows)
    },
    walk: () => mixtureWalk(mixture),
    encode: () => encodeMixture(mixture),
  }
}

const encodeMixture = ({ layout, components, probabilities, marginals, levels, law }: Mixture): Uint8Array =>
  sealArrays(
    format,
    {
      sizes: layout.sizes,
      components,
      grouped: levels.map((column) => column !== null),
      outcome: law?.outcome ?? null,
    },
    [
      probabilities,
      marginals,
      ...levels.flatMap((column) => (column === null ? [] : [column.parent, column.share])),
      ...(law === null ? [] : [law.weights]),
    ],
  )

/** The generator whose bytes these are, bit for bit. Throws `STATE_CORRUPT` on any other bytes. */
export const decodeMixture = (bytes: Uint8Array): Generator =>
  openArrays(bytes, format, 'a mixture', ({ header, next }) => {
    const layout = layoutOf(header.sizes as number[])
    const components = header.components as number
    if (!(Number.isSafeInteger(components) && components >= 1)) throw new RangeError('components')
    const probabilities = next('f4', components * layout.cells)
    if (!probabilities.every((share) => share > 0 && share <= 1.001)) throw new RangeError('probabilities')
    const marginals = next('f8', layout.cells)
    const levels = layout.sizes.map((size, j): ColumnCells | null => {
      if (!(header.grouped as boolean[])[j]) return null
      const parent = next('u2')
      if (!parent.every((group) => group < size)) throw new RangeError('levels')
      return { parent, share: next('f8', parent.length) }
    })
    const law = header.outcome === null ? null : readLaw(layout, header.outcome, next)
    return mixtureGenerator({ layout, components, probabilities, marginals, levels, law })
  })

const readLaw = (layout: Layout, outcome: unknown, next: OpenedArrays['next']): OutcomeLaw => {
  const levels = layout.sizes[outcome as number]
  if (levels === undefined) throw new RangeError('outcome')
  const weights = next('f4', (layout.cells + 1) * levels)
  if (!weights.every(Number.isFinite)) throw new RangeError('law')
  return { outcome: outcome as number, weights }
}
