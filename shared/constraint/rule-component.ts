import type { PrintedColumn } from '../schema/printed-column.ts'
import { fails } from '../synthesizers/condition-lookahead.ts'
import { keptShare, namedColumns, verdictOf } from './cell-verdict.ts'
import { type ColumnClasses, columnClasses } from './column-classes.ts'
import type { CellRule, CompiledRules } from './compiled-rules.ts'
import { jointTicks } from './joint-ticks.ts'
import { linksOf } from './rule-parts.ts'

/** Partial rows that are tried before a class passes as possible. */
const mostLooked = 2000
/** Partial rows that are remembered; then they are forgotten and found again. */
const mostRemembered = 100_000

/** What is known of a row after the first columns of a component. */
export interface RuleState {
  /** By class of the next column: what share of the row's values keep the rules it completes; 0 where no row can follow. */
  readonly share: Float64Array
  /** Not yet asked for: undefined. */
  readonly next: (RuleState | undefined)[]
  /** Classes of the columns before. */
  readonly taken: readonly number[]
}

/**
 * Rules that share columns with one another and with no other rule: looked ahead at together. A class of a column is possible
 * where a depth-first search over the classes of the component's later columns finds a row that keeps all of its rules, values
 * of compared columns included; so a row that starts with possible classes never runs into a dead end. What was found is kept
 * in a tree of the partial rows met so far, of 100,000 nodes at most. Cost of a class not met before: 2,000 partial rows x leaves of
 * the rules, at most, then it passes as possible; of one met before, O(1). A function of its arguments alone.
 */
export class RuleComponent {
  /** Ascending. */
  readonly columns: readonly number[]
  readonly rules: readonly CellRule[]
  /** By column of the component. */
  readonly classes: readonly ColumnClasses[]
  readonly #printed: readonly PrintedColumn[]
  readonly #naming: readonly (readonly CellRule[])[]
  readonly #completed: readonly (readonly CellRule[])[]
  /** Comparisons may contradict each other although each can hold: no column stands in two of them where not. */
  readonly #isEntangled: boolean
  readonly #row: { readonly cells: Uint16Array; readonly ticks: Float64Array }
  #start: RuleState | undefined
  #remembered = 0

  constructor(rules: readonly CellRule[], printed: readonly PrintedColumn[]) {
    this.rules = rules
    this.#printed = printed
    this.columns = [...new Set(rules.flatMap(namedColumns))].sort((a, b) => a - b)
    this.classes = this.columns.map((column) => columnClasses(printed[column]!, column, rules))
    const named = rules.map((rule) => new Set(namedColumns(rule)))
    this.#naming = this.columns.map((column) => rules.filter((_, i) => named[i]!.has(column)))
    this.#completed = this.columns.map((column) => rules.filter((_, i) => Math.max(...named[i]!) === column))
    const sides = rules.flatMap(linksOf).flatMap(({ left, right }) => [left.column, right.column])
    this.#isEntangled = new Set(sides).size < sides.length
    this.#row = { cells: new Uint16Array(printed.length), ticks: new Float64Array(printed.length) }
  }

  start(): RuleState {
    if (this.#start === undefined || this.#remembered > mostRemembered) {
      this.#remembered = 0
      this.#start = this.#state([])
    }
    return this.#start
  }

  /** The state once the next column has `taken`; the last column has none to follow. */
  after(state: RuleState, taken: number): RuleState | undefined {
    if (state.taken.length + 1 === this.columns.length) return undefined
    return (state.next[taken] ??= this.#state([...state.taken, taken]))
  }

  /** False where no row keeps the rules with `fixed` in place, by column of the component. */
  isPossible(fixed: readonly (number | undefined)[]): boolean {
    const looked = { left: mostLooked }
    return this.#completion([], fixed, looked) !== null || looked.left <= 0
  }

  /**
   * Whether a whole row may be drawn that keeps the rules with some values: not where `jointTicks` would find none, and values could not
   * be placed again. `classOf`: by column of the study.
   */
  canPlace(classOf: (column: number) => number): boolean {
    if (!this.#isEntangled) return true
    let state: RuleState | undefined = this.start()
    for (const column of this.columns) {
      const taken = classOf(column)
      if (state === undefined || state.share[taken] === 0) return false
      state = this.after(state, taken)
    }
    return true
  }

  #state(taken: readonly number[]): RuleState {
    this.#remembered++
    const at = taken.length
    const { first } = this.classes[at]!
    const share = Float64Array.from(first, (_, each) => {
      const looked = { left: mostLooked }
      if (this.#completion([...taken, each], [], looked) === null && looked.left > 0) return 0
      this.#place([...taken, each])
      const rules = this.#completed[at]!
      return rules.reduce((kept, rule) => kept * keptShare(rule, this.#row.cells, this.#printed), 1)
    })
    return { share, next: [], taken }
  }

  #place(taken: readonly number[]): void {
    taken.forEach((each, i) => (this.#row.cells[this.columns[i]!] = this.classes[i]!.first[each]!))
  }

  #completion(
    taken: readonly number[],
    fixed: readonly (number | undefined)[],
    looked: { left: number },
  ): readonly number[] | null {
    const at = taken.length
    if (at > 0) {
      if (looked.left-- <= 0) return null
      this.#place(taken)
      const known = this.columns[at - 1]! + 1
      const { cells } = this.#row
      if (this.#naming[at - 1]!.some((rule) => verdictOf(rule, cells, known, this.#printed) === fails)) return null
    }
    if (at === this.columns.length)
      return !this.#isEntangled || jointTicks(this.rules, this.#row, this.#printed) ? taken : null
    const only = fixed[at]
    const count = this.classes[at]!.first.length
    for (let each = only ?? 0; each < (only === undefined ? count : only + 1); each++) {
      const found = this.#completion([...taken, each], fixed, looked)
      if (found !== null || looked.left <= 0) return found
    }
    return null
  }
}

/** Rules that share columns, together. */
export const ruleComponents = ({ rules, printed }: Pick<CompiledRules, 'rules' | 'printed'>): RuleComponent[] => {
  const groups: { columns: Set<number>; rules: CellRule[] }[] = []
  for (const rule of rules) {
    const joined = { columns: new Set(namedColumns(rule)), rules: [rule] }
    for (const group of groups.splice(0)) {
      if ([...group.columns].every((column) => !joined.columns.has(column))) groups.push(group)
      else {
        group.columns.forEach((column) => joined.columns.add(column))
        joined.rules.unshift(...group.rules)
      }
    }
    groups.push(joined)
  }
  return groups.filter(({ columns }) => columns.size > 0).map((group) => new RuleComponent(group.rules, printed))
}
