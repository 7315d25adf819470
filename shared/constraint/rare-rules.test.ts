import { describe, expect, it } from 'vitest'
import type { Generator } from '../generator/generator.ts'
import { columnsOf, sizeOfColumn } from '../schema/column.ts'
import { columnSchema, sourceSchema } from '../study/study-schema.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { ganGenerator } from '../synthesizers/gan/generator.ts'
import { constraintsOf } from './check-constraints.ts'
import { ruledModel } from './ruled-model.ts'
import { rowValues } from './row-values.ts'

const source = sourceSchema.parse({ format: 'csv' })
const times = <T>(count: number, of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i))

/** Independent columns with these shares of their cells. */
const ruled = (specs: readonly object[], constraints: string[], shares: (size: number) => number[]) => {
  const study = { columns: specs.map((spec) => columnSchema.parse(spec)), source, constraints }
  const columns = columnsOf(study)
  const layout = layoutOf(columns.map(sizeOfColumn))
  const model: Generator = ganGenerator({
    layout,
    shares: Float32Array.from(layout.sizes.flatMap(shares)),
    weights: Float64Array.of(1),
    marginals: null,
    levels: columns.map(() => null),
  })
  const { model: under, printed } = ruledModel(study, model)
  const values = rowValues(constraintsOf(study), printed)
  const random = counterRandom(1, 3)
  return (rows: number) => {
    // Every column is named, and its cells are modelled one by one or alike.
    const cells = under.drawRows(counterRandom(1, 1), 0, rows)
    const value = values.draw(cells, random, 0)
    return times(rows, (r) => columns.map((_, j) => value(r, j)))
  }
}
const even = (size: number) => times(size, () => 1 / size)
const levels = (count: number, size: number) =>
  times(count, (i) => ({ name: `x${i}`, kind: 'categorical', levels: times(size, (level) => `l${level}`) }))
const pairs = (count: number) => times(count, (i) => times(i, (j) => `x${i} != x${j}`)).flat()

describe('rules that hardly a row keeps', () => {
  it('end in the one row that there is, of a mass of 10^-20', () => {
    const chain = [...times(19, (i) => `IF x${i} = l1 THEN x${i + 1} = l1`), 'NEVER x19 = l1']
    const rows = ruled(levels(20, 2), chain, () => [0.1, 0.9])(300)
    expect(new Set(rows.map((row) => row.join()))).toEqual(new Set([times(20, () => 'l0').join()]))
  })

  it('are met by permutations, all of them', () => {
    const rows = ruled(levels(5, 5), pairs(5), even)(3000)
    expect(rows.every((row) => new Set(row).size === 5)).toBe(true)
    expect(new Set(rows.map((row) => row.join())).size).toBe(120)
  })

  it('are refused where there is none, in no time', () => {
    expect(() => ruled(levels(8, 7), pairs(8), even)).toThrow(expect.objectContaining({ code: 'CONSTRAINT_BROKEN' }))
    expect(() => ruled(levels(12, 11), pairs(12), even)).toThrow(expect.objectContaining({ code: 'CONSTRAINT_BROKEN' }))
  })

  it('leave a chain of dates in order, in bins wide and narrow, in printed values', () => {
    const starts = times(40, (week) => 18_000 + 7 * week)
    const dates = times(3, (i) => ({
      name: `x${i}`,
      kind: 'date',
      every: 'week',
      bins: starts,
      maximum: 18_279,
      outside: 'clamp',
    }))
    // Nearly always the same week.
    const rows = ruled(dates, ['x0 < x1', 'x1 < x2'], (size) => times(size, (i) => (i === 7 ? 0.961 : 0.001)))(2000)
    expect(rows.every(([one, two, three]) => one! < two! && two! < three!)).toBe(true)
    const sameWeek = rows.filter((row) => row.every((day) => day! >= '2019-06-02' && day! < '2019-06-09'))
    expect(sameWeek.length).toBeGreaterThan(1000)
    // Three days of seven in order: 35 ways, alike.
    expect(new Set(sameWeek.map((row) => row.join())).size).toBe(35)
  })
})
