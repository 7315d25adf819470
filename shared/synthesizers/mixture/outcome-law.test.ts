import { describe, expect, it } from 'vitest'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { decodeMixture, mixtureGenerator } from './generator.ts'
import { fitOutcomeLaw, type OutcomeLaw, outcomeShares } from './outcome-law.ts'
import { redrawOutcome } from './redraw-outcome.ts'

const layout = layoutOf([3, 4, 3, 2])
const outcome = 2
const columns = 4
const levels = 3

/** Random codes; the outcome by a planted law of the first two columns. */
const rowsOf = (rows: number, seed: number) => {
  const random = counterRandom(seed, 2)
  const cells = new Uint16Array(rows * columns)
  for (let r = 0; r < rows; r++) {
    const row = layout.sizes.map((size, j) => Math.floor(random.uniform(r, j) * size))
    const scores = [0.8 * row[0]!, 0.5 * row[1]! - 0.4, 0.9]
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0)
    let left = random.uniform(r, 9)
    let y = 0
    while (y < 2 && (left -= Math.exp(scores[y]!) / total) > 0) y++
    row[outcome] = y
    cells.set(row, r * columns)
  }
  return cells
}

/** Of every other cell with every level of the outcome: counts. */
const pairsWithOutcome = (cells: Uint16Array, share: (row: number, level: number) => number) => {
  const counts = new Float64Array(layout.cells * levels)
  for (let r = 0; r * columns < cells.length; r++)
    for (let j = 0; j < columns; j++)
      for (let y = 0; j !== outcome && y < levels; y++)
        counts[(layout.offsets[j]! + cells[r * columns + j]!) * levels + y]! += share(r, y)
  return counts
}
const taken = (cells: Uint16Array) => (row: number, y: number) => (cells[row * columns + outcome] === y ? 1 : 0)
const worst = (one: Float64Array, other: Float64Array) =>
  one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0)

describe('the law of an outcome', () => {
  const cells = rowsOf(6000, 1)
  const law = fitOutcomeLaw(layout, cells, outcome)
  const shares = outcomeShares(layout, law, cells)

  it('expects the pairs with every other column that the rows have', () => {
    const expected = pairsWithOutcome(cells, (row, y) => shares[row * levels + y]!)
    expect(worst(expected, pairsWithOutcome(cells, taken(cells)))).toBeLessThan(6)
  })

  it('finds the law that was planted, and nothing in a column that has no part in it', () => {
    const at = (row: number[]) => [...outcomeShares(layout, law, Uint16Array.from(row))]
    const total = 1 + Math.exp(-0.4) + Math.exp(0.9)
    expect(at([0, 0, 0, 0])[0]).toBeCloseTo(1 / total, 1)
    at([2, 1, 0, 0]).forEach((share, y) => expect(share).toBeCloseTo(at([2, 1, 0, 1])[y]!, 1))
  })

  it('stays finite for a level that no row has and for an outcome that a column gives away', () => {
    const odd = cells.map((code, i) => (i % columns === outcome ? Math.min(1, cells[i - outcome]!) : code))
    const { weights } = fitOutcomeLaw(layout, odd, outcome)
    expect(weights.every(Number.isFinite)).toBe(true)
    const found = outcomeShares(layout, { outcome, weights }, Uint16Array.of(0, 1, 0, 1, 2, 1, 0, 1))
    expect(found[0]).toBeGreaterThan(0.95)
    expect(found[4]).toBeGreaterThan(0.95)
  })

  const redrawn = (seed: number, by: OutcomeLaw = law) => {
    const rows = cells.slice()
    redrawOutcome(layout, by, rows, counterRandom(seed, 1), { row: 0, draw: 3 })
    return rows
  }

  it('is what outcomes are drawn by, with far less chance in their pairs than independent draws have', () => {
    const expected = pairsWithOutcome(cells, (row, y) => shares[row * levels + y]!)
    const random = counterRandom(8, 1)
    const independent = cells.slice()
    for (let r = 0; r < 6000; r++) {
      let left = random.uniform(r, 0)
      let y = 0
      while (y < 2 && (left -= shares[r * levels + y]!) > 0) y++
      independent[r * columns + outcome] = y
    }
    const off = (rows: Uint16Array) =>
      pairsWithOutcome(rows, taken(rows)).reduce((sum, count, i) => sum + Math.abs(count - expected[i]!), 0)
    expect(off(redrawn(5))).toBeLessThan(0.5 * off(independent))
  })

  it('gives a row its outcomes as often as the law says', () => {
    const seeds = 200
    const hits = new Float64Array(9)
    for (let seed = 0; seed < seeds; seed++) {
      const few = cells.slice(0, 300 * columns)
      redrawOutcome(layout, law, few, counterRandom(seed, 1), { row: 0, draw: 3 })
      for (let k = 0; k < 9; k++) hits[k]! += few[k * 30 * columns + outcome] === 0 ? 1 / seeds : 0
    }
    hits.forEach((hit, k) => expect(Math.abs(hit - shares[k * 30 * levels]!)).toBeLessThan(0.15))
  })

  it('changes no other column, repeats for a seed, and differs for another', () => {
    const rows = redrawn(5)
    rows.forEach((code, i) => {
      if (i % columns !== outcome) expect(code).toBe(cells[i])
    })
    expect(redrawn(5)).toEqual(rows)
    expect(redrawn(6)).not.toEqual(rows)
  })

  it('is stored with its mixture', () => {
    const probabilities = Float32Array.from({ length: layout.cells }, (_, cell) => 1 / layout.sizes[columnOf(cell)]!)
    const parts = { layout, components: 1, probabilities, marginals: new Float64Array(layout.cells), law }
    const bytes = mixtureGenerator({ ...parts, levels: layout.sizes.map(() => null) }).encode()
    expect(decodeMixture(bytes).encode()).toEqual(bytes)
    const drawn = decodeMixture(bytes).drawRows(counterRandom(1, 1), 0, 3000)
    const without = mixtureGenerator({ ...parts, law: null, levels: layout.sizes.map(() => null) })
    const agrees = (rows: Uint16Array) => {
      const found = outcomeShares(layout, law, rows)
      return rows.reduce(
        (sum, code, i) => (i % columns === outcome ? sum + found[((i - outcome) / columns) * levels + code]! : sum),
        0,
      )
    }
    expect(agrees(drawn)).toBeGreaterThan(1.1 * agrees(without.drawRows(counterRandom(1, 1), 0, 3000)))
  })
})

const columnOf = (cell: number) => layout.offsets.findLastIndex((first) => first <= cell)
