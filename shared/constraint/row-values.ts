import { CodedError } from '../errors.ts'
import { dateText } from '../schema/calendar.ts'
import { tickAt } from '../schema/numeric.ts'
import { type PrintedColumn, printedValue } from '../schema/printed-column.ts'
import type { CounterRandom } from '../synthesizers/counter-random.ts'
import { isKept, type RuledRow } from './cell-verdict.ts'
import { type CellRule, rulesOver } from './compiled-rules.ts'
import type { Constraint } from './constraint.ts'
import { jointTicks } from './joint-ticks.ts'
import { type RuleComponent, ruleComponents } from './rule-component.ts'
import { linksOf } from './rule-parts.ts'
import { numberReader, rowTest } from './row-test.ts'
import { ticksIn } from './tick-grid.ts'

/** What a cell of a batch prints: a level's text, a number, a date's text, or null for missing. */
export type BatchValues = (row: number, column: number) => string | number | null

/** Places values inside the cells of released rows: the last that happens to a row before it is printed. */
export interface RowValues {
  /** `cells`: row-major, of the printed columns; `first`: number of the first row in the cohort. Row i depends on `random` and i alone. */
  draw(cells: Uint16Array, random: CounterRandom, first: number): BatchValues
}

/** Even draws of a row's values before they are constructed. */
const mostDraws = 64

/** Where columns are printed without a rule. */
const plainValues = (printed: readonly PrintedColumn[]): RowValues => ({
  draw: (cells, random, first) => (row, column) =>
    printedValue(printed[column]!, cells[row * printed.length + column]!, () => random.uniform(first + row, column)),
})

/**
 * Every value is drawn evenly from its cell; those of columns that a constraint compares with others are drawn together, up to 64 times, until
 * as printed they keep it, so that they are even among all that do; should none (of cells that agree in one value in
 * 20, one row in 30), they are constructed column by column (`jointTicks`), each evenly in what the ones before leave. `printed`: as the cohort's conditions cut it. Every row is then judged once more, value by value, by the constraints as they are written (`rowTest`).
 * `draw` throws `CONSTRAINT_BROKEN` for a row of cells that no values can make keep them, which `ruledModel` never draws. Cost:
 * one draw a number and the leaves of the constraints a row, twice.
 */
export const rowValues = (constraints: readonly Constraint[], printed: readonly PrintedColumn[]): RowValues => {
  const compiled = rulesOver(constraints, printed)
  const { linked, named } = compiled
  const columns = printed.map(({ column }) => column)
  const plain = plainValues(printed)
  if (constraints.length === 0) return plain
  const components = ruleComponents(compiled).map((component) => linkedComponent(component, linked))
  const test = rowTest(constraints, columns)
  const readers = columns.map(numberReader)
  const width = columns.length
  const row: RuledRow = { cells: new Uint16Array(width), ticks: new Float64Array(width) }
  const numbers = new Float64Array(width)
  const places = columns.map((_, column) => linked.indexOf(column))

  return {
    draw(cells, random, first) {
      const rows = cells.length / width
      const ticks = new Float64Array(rows * linked.length)
      const even = plain.draw(cells, random, first)
      const value: BatchValues = (r, column) => {
        const place = places[column]!
        return place < 0
          ? even(r, column)
          : tickValue(printed[column]!, cells[r * width + column]!, ticks[r * linked.length + place]!)
      }
      for (let r = 0; r < rows; r++) {
        row.cells.set(cells.subarray(r * width, (r + 1) * width))
        for (const component of components) placeTicks(component, row, printed, random, first + r)
        for (let i = 0; i < linked.length; i++) ticks[r * linked.length + i] = row.ticks[linked[i]!]!
        for (const column of named) numbers[column] = readers[column]!(value(r, column))
        const broken = test(numbers)
        if (broken >= 0) throw brokenRow(constraints[broken]!)
      }
      return value
    },
  }
}

const tickValue = (printed: PrintedColumn, cell: number, tick: number): string | number | null => {
  if (printed.parent[cell] === printed.missingCode) return null
  const value = tick / ticksIn(printed).scale + 0
  return printed.column.kind === 'date' ? dateText(value) : value
}

interface LinkedComponent {
  readonly rules: readonly CellRule[]
  /** Its columns whose values are drawn with the row. */
  readonly linked: readonly number[]
}

const linkedComponent = ({ rules, columns }: RuleComponent, linked: readonly number[]): LinkedComponent => ({
  rules: rules.filter((rule) => linksOf(rule).length > 0),
  linked: linked.filter((column) => columns.includes(column)),
})

const placeTicks = (
  { rules, linked }: LinkedComponent,
  row: RuledRow,
  printed: readonly PrintedColumn[],
  random: CounterRandom,
  number: number,
): void => {
  if (linked.length === 0) return
  const width = printed.length
  for (let draw = 0; draw < mostDraws; draw++) {
    for (const column of linked) {
      const { from, to } = ticksIn(printed[column]!)
      const cell = row.cells[column]!
      row.ticks[column] = tickAt(from[cell]!, to[cell]!, random.uniform(number, draw * width + column))
    }
    if (rules.every((rule) => isKept(rule, row, printed))) return
  }
  // Columns that no rule still compares keep what was drawn last. The lowest values are what the row was drawn for.
  if (!jointTicks(rules, row, printed, (column) => random.uniform(number, mostDraws * width + column)))
    jointTicks(rules, row, printed)
}

const brokenRow = ({ text }: Constraint) =>
  new CodedError('CONSTRAINT_BROKEN', `a synthetic row would break: ${text}`, { place: { field: 'constraints' } })
