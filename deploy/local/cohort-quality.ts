import { columnsOf, encodeCell, sizeOfColumn } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'

/** Rows as codes, one array a column, in the study's order. */
export type CodedTable = readonly Uint16Array[]

/** Codes of `rows`, each a list of texts in the study's order. Throws when a text is none of its column's levels. */
export const codeTable = (manifest: Manifest, rows: readonly (readonly string[])[]): CodedTable =>
  columnsOf(manifest).map((column, index) =>
    Uint16Array.from(rows, (row) => {
      const code = encodeCell(column, row[index] ?? null)
      if (code < 0) throw new RangeError(`column ${column.name}: a value outside the study's levels`)
      return code
    }),
  )

/** Shares of each combination of two columns' codes, row-major; one column beside itself gives its 1-way shares. */
const shares = (a: Uint16Array, b: Uint16Array, width: number, cells: number): Float64Array => {
  const table = new Float64Array(cells)
  for (let row = 0; row < a.length; row++) table[a[row]! * width + b[row]!]! += 1 / a.length
  return table
}

/** Total variation distance: half the sum of absolute differences, 0 to 1. */
const distance = (p: Float64Array, q: Float64Array): number =>
  p.reduce((sum, share, index) => sum + Math.abs(share - q[index]!), 0) / 2

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const oneWayShares = (column: Uint16Array, size: number): Float64Array =>
  shares(new Uint16Array(column.length), column, size, size)

export interface Distances {
  /** Mean total variation distance over columns. */
  readonly oneWay: number
  /** Over pairs of columns. */
  readonly twoWay: number
}

const over = (
  manifest: Manifest,
  target: CodedTable,
  pair: (i: number, j: number, sizes: readonly number[]) => Float64Array,
  single: (i: number, size: number) => Float64Array,
): Distances => {
  const sizes = manifest.columns.map(sizeOfColumn)
  const indices = sizes.map((_, index) => index)
  const oneWay = indices.map((i) => distance(single(i, sizes[i]!), oneWayShares(target[i]!, sizes[i]!)))
  const twoWay = indices.flatMap((i) =>
    indices
      .slice(i + 1)
      .map((j) => distance(pair(i, j, sizes), shares(target[i]!, target[j]!, sizes[j]!, sizes[i]! * sizes[j]!))),
  )
  return { oneWay: mean(oneWay), twoWay: mean(twoWay) }
}

/** How far `rows` are from `target`, both at the study's public bins. Cost: columns^2 x rows. */
export const distancesTo = (manifest: Manifest, rows: CodedTable, target: CodedTable): Distances =>
  over(
    manifest,
    target,
    (i, j, sizes) => shares(rows[i]!, rows[j]!, sizes[j]!, sizes[i]! * sizes[j]!),
    (i, size) => oneWayShares(rows[i]!, size),
  )

/** The same for a generator that knew every column of `rows` exactly and no two together: what dependencies are worth. */
export const independentDistancesTo = (manifest: Manifest, rows: CodedTable, target: CodedTable): Distances =>
  over(
    manifest,
    target,
    (i, j, sizes) => {
      const left = oneWayShares(rows[i]!, sizes[i]!)
      const right = oneWayShares(rows[j]!, sizes[j]!)
      return Float64Array.from({ length: left.length * right.length }, (_, cell) => {
        return left[Math.floor(cell / right.length)]! * right[cell % right.length]!
      })
    },
    (i, size) => oneWayShares(rows[i]!, size),
  )
