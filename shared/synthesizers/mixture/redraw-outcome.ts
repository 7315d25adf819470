import type { Layout } from '../cells.ts'
import { type CounterRandom, threefry2x32 } from '../counter-random.ts'
import { type OutcomeLaw, outcomeShares } from './outcome-law.ts'

/** Looks at pairs of columns that offers may cost a row, about; at least one offer, at most `mostOffers`. */
const lookBudget = 1500
const mostOffers = 5
/** Counts of cell, cell and level that are kept at most: 16 MB. */
const mostTriples = 2 ** 22
/** How much closer pairs are followed than triples. */
const pairTrust = 4

/**
 * Draws the outcome of every row anew, in place, from its law given the row's other codes, every level as often as it is expected; then exchanges outcomes between rows where
 * that brings the counts of (column, outcome) and of (two columns, outcome) nearer to what the law expects of just these rows. An
 * exchange that the law finds less likely is offered as rarely as Metropolis et al. (1953) would take it, so that the law stays.
 * `row`, `draw`: which numbers are drawn. Cost: rows x columns^2 / 2 for the counts, and as much for each of up to 5 offers a row.
 */
export const redrawOutcome = (
  layout: Layout,
  law: OutcomeLaw,
  cells: Uint16Array,
  random: CounterRandom,
  { row, draw }: { readonly row: number; readonly draw: number },
): void => {
  const { sizes, offsets, cells: width } = layout
  const { outcome } = law
  const columns = sizes.length
  const levels = sizes[outcome]!
  const rows = cells.length / columns
  const shares = outcomeShares(layout, law, cells)
  const drawn = systematic(shares, levels, (y) => random.uniform(row, draw + 2 + y))
  const others = [...sizes.keys()].filter((j) => j !== outcome)
  const features = others.length
  const at = new Uint32Array(rows * features)
  for (let r = 0; r < rows; r++)
    others.forEach((j, f) => {
      at[r * features + f] = offsets[j]! + cells[r * columns + j]!
    })
  const counts = countsOf({ at, features, rows, width, levels, drawn, shares })
  const offers = Math.max(1, Math.min(mostOffers, Math.round((2 * lookBudget) / (columns * columns))))
  const key = Math.floor(random.uniform(row, draw + 1) * 2 ** 32) | 0
  const words = new Int32Array(2)
  for (let offer = 0; offer < offers; offer++)
    for (let one = 0; one < rows; one++) {
      threefry2x32(key, offer, one, draw, words)
      const other = Math.floor(((words[0]! >>> 0) / 2 ** 32) * rows)
      const mine = drawn[one]!
      const theirs = drawn[other]!
      if (mine === theirs) continue
      const now = shares[one * levels + mine]! * shares[other * levels + theirs]!
      const then = shares[one * levels + theirs]! * shares[other * levels + mine]!
      if (!(((words[1]! >>> 0) / 2 ** 32) * now < then)) continue
      if (!(changeOf(counts, one, other, mine, theirs) < 0)) continue
      move(counts, one, mine, theirs)
      move(counts, other, theirs, mine)
      drawn[one] = theirs
      drawn[other] = mine
    }
  for (let r = 0; r < rows; r++) cells[r * columns + outcome] = drawn[r]!
}

/**
 * A level for each row with exactly its share for a chance, and every level as often as its shares add up to, within one: systematic
 * sampling (Madow 1949) of the first level's rows, then of the second's among the others by what is left of their shares, and so on.
 */
const systematic = (shares: Float64Array, levels: number, start: (level: number) => number): Uint16Array => {
  const drawn = new Uint16Array(shares.length / levels).fill(levels - 1)
  const left = new Float64Array(drawn.length).fill(1)
  for (let y = 0; y < levels - 1; y++) {
    let reached = start(y)
    for (let r = 0; r < drawn.length; r++) {
      if (drawn[r] !== levels - 1) continue
      const share = shares[r * levels + y]!
      reached += left[r]! > share ? share / left[r]! : 1
      left[r] = left[r]! - share
      if (reached < 1) continue
      reached -= 1
      drawn[r] = y
    }
  }
  return drawn
}

interface Facts {
  /** Rows x features: cells of the layout. */
  readonly at: Uint32Array
  readonly features: number
  readonly rows: number
  readonly width: number
  readonly levels: number
  readonly drawn: Uint16Array
  readonly shares: Float64Array
}

/** Counts less what is expected, and what an error weighs; pairs by cell, triples by cells a < b (empty: too many), each by level. */
interface Counts extends Facts {
  readonly pairs: Float32Array
  readonly pairWeights: Float32Array
  readonly triples: Float32Array
  readonly tripleWeights: Float32Array
}

const countsOf = (facts: Facts): Counts => {
  const { at, features, rows, width, levels, drawn, shares } = facts
  const hasTriples = width * width * levels <= mostTriples
  const pairs = new Float32Array(width * levels)
  const triples = new Float32Array(hasTriples ? width * width * levels : 0)
  const pairRows = new Float32Array(width)
  const tripleRows = new Float32Array(hasTriples ? width * width : 0)
  const excess = new Float64Array(levels)
  for (let r = 0; r < rows; r++) {
    for (let y = 0; y < levels; y++) excess[y] = (drawn[r] === y ? 1 : 0) - shares[r * levels + y]!
    for (let i = 0; i < features; i++) {
      const u = at[r * features + i]!
      pairRows[u] = pairRows[u]! + 1
      for (let y = 0; y < levels; y++) pairs[u * levels + y] = pairs[u * levels + y]! + excess[y]!
      for (let j = i + 1; hasTriples && j < features; j++) {
        const cell = u * width + at[r * features + j]!
        tripleRows[cell] = tripleRows[cell]! + 1
        for (let y = 0; y < levels; y++) triples[cell * levels + y] = triples[cell * levels + y]! + excess[y]!
      }
    }
  }
  return {
    ...facts,
    pairs,
    pairWeights: pairRows.map((count) => pairTrust / Math.sqrt(Math.max(count, 1))),
    triples,
    tripleWeights: tripleRows.map((count) => 1 / Math.sqrt(Math.max(count, 1))),
  }
}

/** Change of the weighted squared error when two rows exchange their outcomes `mine` and `theirs`. */
const changeOf = (
  { at, features, width, levels, pairs, pairWeights, triples, tripleWeights }: Counts,
  one: number,
  other: number,
  mine: number,
  theirs: number,
): number => {
  const hasTriples = triples.length > 0
  let change = 0
  for (let i = 0; i < features; i++) {
    const u = at[one * features + i]!
    const v = at[other * features + i]!
    if (u !== v)
      change +=
        pairWeights[u]! * (2 - 2 * pairs[u * levels + mine]! + 2 * pairs[u * levels + theirs]!) +
        pairWeights[v]! * (2 - 2 * pairs[v * levels + theirs]! + 2 * pairs[v * levels + mine]!)
    for (let j = i + 1; hasTriples && j < features; j++) {
      const a = u * width + at[one * features + j]!
      const b = v * width + at[other * features + j]!
      if (a === b) continue
      change +=
        tripleWeights[a]! * (2 - 2 * triples[a * levels + mine]! + 2 * triples[a * levels + theirs]!) +
        tripleWeights[b]! * (2 - 2 * triples[b * levels + theirs]! + 2 * triples[b * levels + mine]!)
    }
  }
  return change
}

const move = ({ at, features, width, levels, pairs, triples }: Counts, row: number, from: number, to: number) => {
  for (let i = 0; i < features; i++) {
    const u = at[row * features + i]!
    pairs[u * levels + from] = pairs[u * levels + from]! - 1
    pairs[u * levels + to] = pairs[u * levels + to]! + 1
    for (let j = i + 1; triples.length > 0 && j < features; j++) {
      const cell = (u * width + at[row * features + j]!) * levels
      triples[cell + from] = triples[cell + from]! - 1
      triples[cell + to] = triples[cell + to]! + 1
    }
  }
}
