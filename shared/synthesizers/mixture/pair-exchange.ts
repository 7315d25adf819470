import type { Layout } from '../cells.ts'
import { type CounterRandom, threefry2x32 } from '../counter-random.ts'

/** Rows of a mixture, those of one component together. */
export interface ComponentRows {
  /** Codes, row-major. */
  readonly cells: Uint16Array
  /** First row of every component's, then the number of rows. */
  readonly starts: Uint32Array
}

/** Offers a row, about: the work of one is columns, so that wide tables get fewer. */
const mostOffers = 512

/**
 * Exchanges values between rows of one component, in place, where that brings the counts of pairs of columns nearer to what the
 * mixture expects of so many rows: columns are independent inside a component, so that who has which of a column's values is chance
 * alone, and chance is all that is taken out. Every column of every component keeps its values. One sweep: each row is offered an
 * exchange of one column's value with another row of its component, for each column in turn; it is taken when the squared error of
 * the pair counts, each over the root of its expectation, falls. `expected`: shares, cells x cells, symmetric.
 * `row`, `draw`: which number seeds the offers. Cost: rows x min(columns, 512 / columns) offers of 8 x columns look-ups.
 */
export const exchangePairs = (
  { sizes, offsets, cells: width }: Layout,
  { cells, starts }: ComponentRows,
  expected: Float32Array,
  random: CounterRandom,
  { row, draw }: { readonly row: number; readonly draw: number },
): void => {
  const columns = sizes.length
  const rows = cells.length / columns
  if (columns < 2 || rows < 2) return
  const at = Uint32Array.from(cells, (code, i) => offsets[i % columns]! + code)
  const over = excess(at, columns, width, expected)
  const weight = expected.map((share) => 1 / Math.sqrt(Math.max(rows * share, 1)))
  const offers = Math.min(columns, Math.ceil(mostOffers / columns))
  const key = Math.floor(random.uniform(row, draw) * 2 ** 32) | 0
  const words = new Int32Array(2)
  for (let component = 0; component + 1 < starts.length; component++) {
    const from = starts[component]!
    const count = starts[component + 1]! - from
    if (count < 2) continue
    for (let one = from; one < from + count; one++)
      for (let offer = 0; offer < offers; offer++) {
        const j = offers === columns ? offer : (one * offers + offer) % columns
        threefry2x32(key, draw, one, offer, words)
        const other = from + ((words[0]! >>> 0) % count)
        offerExchange(at, columns, width, over, weight, one * columns, other * columns, j)
      }
  }
  for (let i = 0; i < at.length; i++) cells[i] = at[i]! - offsets[i % columns]!
}

/** Counts of pairs less what is expected; cells x cells, symmetric. */
const excess = (at: Uint32Array, columns: number, width: number, expected: Float32Array): Float32Array => {
  const rows = at.length / columns
  const over = expected.map((share) => -rows * share)
  for (let row = 0; row < at.length; row += columns)
    for (let i = 0; i < columns; i++)
      for (let j = 0; j < columns; j++) {
        const cell = at[row + i]! * width + at[row + j]!
        over[cell] = over[cell]! + 1
      }
  return over
}

const offerExchange = (
  at: Uint32Array,
  columns: number,
  width: number,
  over: Float32Array,
  weight: Float32Array,
  one: number,
  other: number,
  column: number,
): void => {
  const mine = at[one + column]!
  const theirs = at[other + column]!
  if (mine === theirs) return
  const x = mine * width
  const y = theirs * width
  let change = 0
  for (let k = 0; k < columns; k++) {
    const u = at[one + k]!
    const v = at[other + k]!
    if (u === v || k === column) continue
    change +=
      weight[x + u]! * (1 - 2 * over[x + u]!) +
      weight[y + u]! * (1 + 2 * over[y + u]!) +
      weight[y + v]! * (1 - 2 * over[y + v]!) +
      weight[x + v]! * (1 + 2 * over[x + v]!)
  }
  if (!(change < 0)) return
  for (let k = 0; k < columns; k++) {
    const u = at[one + k]!
    const v = at[other + k]!
    if (u === v || k === column) continue
    add(over, width, mine, u, -1)
    add(over, width, theirs, u, 1)
    add(over, width, theirs, v, -1)
    add(over, width, mine, v, 1)
  }
  at[one + column] = theirs
  at[other + column] = mine
}

const add = (over: Float32Array, width: number, a: number, b: number, by: number) => {
  over[a * width + b] = over[a * width + b]! + by
  over[b * width + a] = over[b * width + a]! + by
}
