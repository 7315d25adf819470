import type { CounterRandom } from '../counter-random.ts'
import type { Mixture } from './mixture.ts'
import { exchangePairs } from './pair-exchange.ts'
import { redrawOutcome } from './redraw-outcome.ts'

/**
 * `rows` rows of codes, with less sampling noise than independent draws: every component gets as many rows as any other, within
 * one; inside a component each column is swept systematically, at equal steps from a random start, its values dealt to the rows
 * in random order; then values are exchanged inside components until pairs of columns follow `expected` (`pairShares`; null: they are
 * left to chance); last, a named outcome is drawn anew from its law (`redrawOutcome`), which leaves its pairs as they are. Row by row
 * the distribution is the mixture's, but for that law. A function of (random, first, rows): numbers `first` .. `first +
 * rows` are drawn from. Cost: a sort of the rows for every column, components x cells additions, and that of `exchangePairs`.
 */
export const drawRows = (
  mixture: Pick<Mixture, 'layout' | 'components' | 'probabilities' | 'law'>,
  expected: Float32Array | null,
  random: CounterRandom,
  first: number,
  rows: number,
): Uint16Array => {
  const { layout, components } = mixture
  const columns = layout.sizes.length
  const order = new Float64Array(rows)
  const shuffled = shuffler(random, first)
  shuffled(order, 0, rows, 1)
  const componentOrder = new Float64Array(components)
  for (let b = 0; b < components; b++) componentOrder[b] = key(random, first + b, 0, b, components)
  componentOrder.sort()
  const turns = Math.min(components, rows)
  const starts = new Uint32Array(turns + 1)
  const cells = new Uint16Array(rows * columns)
  let turn = 0
  componentOrder.forEach((item, place) => {
    const from = starts[turn]!
    const to = Math.floor(((place + 1) * rows) / components)
    if (to === from) return
    sweepComponent(mixture, item % components, cells, { random, shuffled, first, from, count: to - from })
    starts[++turn] = to
  })
  if (expected !== null && rows > components)
    exchangePairs(layout, { cells, starts }, expected, random, { row: first, draw: 2 + 2 * columns })
  if (mixture.law !== null) redrawOutcome(layout, mixture.law, cells, random, { row: first, draw: 3 + 2 * columns })
  const drawn = new Uint16Array(cells.length)
  for (let r = 0; r < rows; r++) {
    const to = (order[r]! % rows) * columns
    for (let j = 0; j < columns; j++) drawn[to + j] = cells[r * columns + j]!
  }
  return drawn
}

interface Sweep {
  readonly random: CounterRandom
  readonly shuffled: ReturnType<typeof shuffler>
  readonly first: number
  readonly from: number
  readonly count: number
}

const sweepComponent = (
  { layout: { sizes, offsets, cells: width }, probabilities }: Pick<Mixture, 'layout' | 'probabilities'>,
  component: number,
  cells: Uint16Array,
  { random, shuffled, first, from, count }: Sweep,
): void => {
  const columns = sizes.length
  const deal = new Float64Array(count)
  for (let j = 0; j < columns; j++) {
    shuffled(deal, from, count, 2 + j)
    const start = random.uniform(first + from, 2 + columns + j)
    const at = component * width + offsets[j]!
    const last = sizes[j]! - 1
    let total = 0
    for (let c = 0; c <= last; c++) total += probabilities[at + c]!
    let code = 0
    let reached = probabilities[at]! / total
    for (let k = 0; k < count; k++) {
      const position = (k + start) / count
      while (position > reached && code < last) reached += probabilities[at + ++code]! / total
      cells[(from + (deal[k]! % count)) * columns + j] = code
    }
  }
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
