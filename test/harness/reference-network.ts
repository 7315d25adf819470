import type { Layout } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { type Network, unpack } from '@tributary/shared/synthesizers/autoregressive/network'

/*
 * The masked autoregressive network by its definition (Germain et al. 2015) and nothing else: a hidden unit sees the columns up to
 * its own, an output the columns before it. What the product's packed layout, ghost norms and sums are measured against.
 */

export const randomParams = (network: Network, scale: number, seed = 1): Float32Array => {
  const random = counterRandom(seed, 9)
  return Float32Array.from({ length: network.dimension }, (_, i) => scale * random.normal(i, 0))
}

export const randomRows = ({ sizes }: Layout, rows: number, seed = 1): Uint16Array => {
  const random = counterRandom(seed, 8)
  return Uint16Array.from({ length: rows * sizes.length }, (_, i) =>
    Math.floor(random.uniform(i, 0) * sizes[i % sizes.length]!),
  )
}

/** Column of each cell, and last column that each hidden unit sees. */
const columnsOf = ({ layout, hidden }: Network) => {
  const columns = layout.sizes.length
  return {
    columnOf: layout.sizes.flatMap((size, j) => Array<number>(size).fill(j)),
    sees: Array.from({ length: hidden }, (_, k) => k % (columns - 1)).sort((a, b) => a - b),
  }
}

export type LayerKind = 'inputHidden' | 'hiddenBias' | 'hiddenOutput' | 'inputOutput' | 'outputBias'

/** 1 where there is a trained weight; row-major like `unpack`'s matrices. */
export const referenceMasks = (network: Network): Record<LayerKind, Float32Array> => {
  const { columnOf, sees } = columnsOf(network)
  const mask = <A, B>(rows: readonly A[], columns: readonly B[], isTrained: (row: A, column: B) => boolean) =>
    Float32Array.from(rows.flatMap((row) => columns.map((column) => (isTrained(row, column) ? 1 : 0))))
  return {
    inputHidden: mask(columnOf, sees, (column, last) => column <= last),
    hiddenBias: new Float32Array(sees.length).fill(1),
    hiddenOutput: mask(sees, columnOf, (last, column) => last < column),
    inputOutput: mask(columnOf, columnOf, (from, to) => from < to),
    outputBias: new Float32Array(columnOf.length).fill(1),
  }
}

/** One row's loss in float64: the cross-entropies of its columns, added. */
const lossOf = (network: Network, packed: Float64Array, row: ArrayLike<number>): number => {
  const { layout } = network
  const place = unpack(
    network,
    Float32Array.from(packed, (_, i) => i + 1),
  )
  const weight = (index: number) => (index === 0 ? 0 : packed[index - 1]!)
  const { columnOf, sees } = columnsOf(network)
  const x = columnOf.map((column, cell) => (cell - layout.offsets[column]! === row[column] ? 1 : 0))
  const h = sees.map((last, k) => {
    let sum = weight(place.hiddenBias[k]!)
    x.forEach((value, i) => {
      if (columnOf[i]! <= last) sum += value * weight(place.inputHidden[i * network.hidden + k]!)
    })
    return Math.max(sum, 0)
  })
  const z = columnOf.map((column, o) => {
    let sum = weight(place.outputBias[o]!)
    h.forEach((value, k) => {
      if (sees[k]! < column) sum += value * weight(place.hiddenOutput[k * layout.cells + o]!)
    })
    x.forEach((value, i) => {
      if (columnOf[i]! < column) sum += value * weight(place.inputOutput[i * layout.cells + o]!)
    })
    return sum
  })
  return layout.sizes.reduce((loss, _, j) => {
    const own = z.filter((_value, o) => columnOf[o] === j)
    const top = Math.max(...own)
    return loss + top + Math.log(own.reduce((total, value) => total + Math.exp(value - top), 0)) - own[row[j]!]!
  }, 0)
}

/** By central differences in float64, in packed order. */
export const numericGradient = (network: Network, params: Float32Array, row: ArrayLike<number>): Float64Array => {
  const packed = Float64Array.from(params)
  const step = 1e-5
  return packed.map((value, i) => {
    packed[i] = value + step
    const up = lossOf(network, packed, row)
    packed[i] = value - step
    const down = lossOf(network, packed, row)
    packed[i] = value
    return (up - down) / (2 * step)
  })
}
