import type { CounterRandom } from '../counter-random.ts'
import type { Mixture } from './mixture.ts'

/**
 * `rows` rows of codes, with less sampling noise than independent draws: every component gets as many rows as any other, within
 * one, and inside a component each column is swept systematically, at equal steps from a random start, its values dealt to the rows
 * in random order. Row by row the distribution is the mixture's. A function of (random, first, rows): numbers `first` .. `first +
 * rows` are drawn from. Cost: a sort of the rows for every column, and components x cells additions.
 */
export const drawRows = (
  { layout, components, probabilities }: Mixture,
  random: CounterRandom,
  first: number,
  rows: number,
): Uint16Array => {
  const { sizes, offsets, cells } = layout
  const columns = sizes.length
  const drawn = new Uint16Array(rows * columns)
  const order = new Float64Array(rows)
  const shuffled = shuffler(random, first)
  const componentOrder = new Float64Array(components)
  for (let b = 0; b < components; b++) componentOrder[b] = key(random, first + b, 0, b, components)
  componentOrder.sort()
  shuffled(order, 0, rows, 1)
  for (let turn = 0, from = 0; turn < components && from < rows; turn++) {
    const b = componentOrder[turn]! % components
    const to = Math.floor(((turn + 1) * rows) / components)
    const count = to - from
    if (count === 0) continue
    const deal = new Float64Array(count)
    for (let j = 0; j < columns; j++) {
      shuffled(deal, from, count, 2 + j)
      const start = random.uniform(first + from, 2 + columns + j)
      const at = b * cells + offsets[j]!
      const last = sizes[j]! - 1
      let total = 0
      for (let c = 0; c <= last; c++) total += probabilities[at + c]!
      let code = 0
      let reached = probabilities[at]! / total
      for (let k = 0; k < count; k++) {
        const position = (k + start) / count
        while (position > reached && code < last) reached += probabilities[at + ++code]! / total
        drawn[(order[from + (deal[k]! % count)]! % rows) * columns + j] = code
      }
    }
    from = to
  }
  return drawn
}

/** Fills `keys` with sorted keys whose remainder by their number is a random order of 0 .. `count`. */
const shuffler =
  (random: CounterRandom, first: number) =>
  (keys: Float64Array, from: number, count: number, draw: number): void => {
    for (let k = 0; k < count; k++) keys[k] = key(random, first + from + k, draw, k, count)
    keys.sort()
  }

/** Orders by random bits, as many as leave room for `index` below 2^53; its remainder by `count` is `index`. */
const key = (random: CounterRandom, row: number, draw: number, index: number, count: number): number =>
  Math.floor(random.uniform(row, draw) * Math.min(2 ** 32, Math.floor(2 ** 53 / count) - 1)) * count + index
