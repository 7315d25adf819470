import type { PrintedColumn } from '../schema/printed-column.ts'
import { fails, holds, open } from '../synthesizers/condition-lookahead.ts'
import { keptShare, namedColumns, verdictOf } from './cell-verdict.ts'
import { type ColumnClasses, columnClasses } from './column-classes.ts'
import type { CellRule, CompiledRules } from './compiled-rules.ts'
import { jointTicks } from './joint-ticks.ts'
import { linksOf } from './rule-parts.ts'

/** Partial rows that are tried before a class passes as possible: so many, and so many for each class of the component. */
const mostLooked = 200
const mostOfClass = 4
/** Tried once, for any row at all. */
const mostForOne = 50_000
/** Classes in states that are remembered; then they are forgotten and found again. */
const mostRemembered = 2 ** 21

interface Look {
  left: number
  /** By column of the component, the class that led to a whole row; -1: none yet. */
  readonly last: Int32Array
}

/** What is known of a row after the first columns of a component: alike for all rows whose future is alike. */
export interface RuleState {
  /** Columns of the component that are taken. */
  readonly known: number
  /** By class of the next column: what share of the row's values keep the rules it completes; 0 where no row can follow. */
  readonly share: Float64Array
  /** Not yet asked for: undefined. */
  readonly next: (RuleState | undefined)[]
  /** Classes of the columns taken, of one of the rows. */
  readonly taken: Uint16Array
}

/**
 * Rules that share columns with one another and with no other rule: looked ahead at together. A class of a column is possible
 * where a depth-first search over the classes of the component's later columns finds a row that keeps all of its rules, values
 * of compared columns included; so a row that starts with possible classes never runs into a dead end. What was found is kept by
 * state: two rows are in the same one if the rules that are still open, and the values that these compare with, are the same (a decision
 * diagram, Bryant 1986, made as rows come by), some 32 MB at most. Cost of a state not met before: for each of its classes 200 partial
 * rows and 4 for each class of the component, x leaves of the rules, at most, then it passes as possible; of one met before, O(1).
 * A function of its arguments alone.
 */
export class RuleComponent {
  /** Ascending. */
  readonly columns: readonly number[]
  readonly rules: readonly CellRule[]
  /** By column of the component. */
  readonly classes: readonly ColumnClasses[]
  readonly #printed: readonly PrintedColumn[]
  /** By rule: its columns, by their place in the component, and the last of them. */
  readonly #named: readonly ReadonlySet<number>[]
  readonly #last: readonly number[]
  /** By column of the component: the rules that name it. */
  readonly #naming: readonly (readonly number[])[]
  /** Comparisons may contradict each other although each can hold: no column stands in two of them where not. */
  readonly #isEntangled: boolean
  readonly #mostLooked: number
  readonly #row: { readonly cells: Uint16Array; readonly ticks: Float64Array }
  #states = new Map<string, RuleState>()
  #remembered = 0

  constructor(rules: readonly CellRule[], printed: readonly PrintedColumn[]) {
    this.rules = rules
    this.#printed = printed
    this.columns = [...new Set(rules.flatMap(namedColumns))].sort((a, b) => a - b)
    this.classes = this.columns.map((column) => columnClasses(printed[column]!, column, rules))
    this.#named = rules.map((rule) => new Set(namedColumns(rule).map((column) => this.columns.indexOf(column))))
    this.#last = this.#named.map((places) => Math.max(...places))
    this.#naming = this.columns.map((_, at) => rules.flatMap((__, i) => (this.#named[i]!.has(at) ? [i] : [])))
    const sides = rules.flatMap(linksOf).flatMap(({ left, right }) => [left.column, right.column])
    this.#isEntangled = new Set(sides).size < sides.length
    this.#mostLooked = mostLooked + mostOfClass * this.classes.reduce((sum, { first }) => sum + first.length, 0)
    this.#row = { cells: new Uint16Array(printed.length), ticks: new Float64Array(printed.length) }
  }

  start(): RuleState {
    if (this.#remembered > mostRemembered) {
      this.#remembered = 0
      this.#states = new Map()
    }
    return this.#state(new Uint16Array(0))
  }

  /** The state once the next column has `taken`; after the last column there is none. */
  after(state: RuleState, taken: number): RuleState | undefined {
    if (state.known + 1 === this.columns.length) return undefined
    return (state.next[taken] ??= this.#state(Uint16Array.of(...state.taken, taken)))
  }

  /** False where no row keeps the rules with `fixed` in place, by column of the component. */
  isPossible(fixed: readonly (number | undefined)[]): boolean {
    const look = this.#look(this.#mostLooked)
    return this.#completes(0, this.#all(), fixed, look) || look.left <= 0
  }

  /** Whether a row was found that keeps the rules, in 50,000 tries. */
  hasRow(): boolean {
    return this.#completes(0, this.#all(), [], this.#look(mostForOne))
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

  #look(left: number): Look {
    return { left, last: new Int32Array(this.columns.length).fill(-1) }
  }

  #all(): Uint8Array {
    return new Uint8Array(this.rules.length).fill(1)
  }

  #place(at: number, taken: number): void {
    this.#row.cells[this.columns[at]!] = this.classes[at]!.first[taken]!
  }

  #verdict(rule: number, known: number): number {
    const columns = known === 0 ? 0 : this.columns[known - 1]! + 1
    return verdictOf(this.rules[rule]!, this.#row.cells, columns, this.#printed)
  }

  #state(taken: Uint16Array): RuleState {
    const at = taken.length
    taken.forEach((each, i) => this.#place(i, each))
    const active = this.#activeRules(at)
    const named = new Set(active.flatMap((rule) => [...this.#named[rule]!]))
    const key = `${at} ${active.join()} ${taken.filter((_, i) => named.has(i)).join()}`
    const known = this.#states.get(key)
    if (known !== undefined) return known
    const mask = new Uint8Array(this.rules.length)
    for (const rule of active) mask[rule] = 1
    const { first } = this.classes[at]!
    const look = this.#look(0)
    const share = Float64Array.from(first, (_, each) => {
      look.left = this.#mostLooked
      if (!this.#completes(at, mask, [...taken, each], look) && look.left > 0) return 0
      taken.forEach((earlier, i) => this.#place(i, earlier))
      this.#place(at, each)
      const completed = active.filter((rule) => this.#last[rule] === at)
      return completed.reduce((kept, rule) => kept * keptShare(this.rules[rule]!, this.#row.cells, this.#printed), 1)
    })
    const state = { known: at, share, next: [], taken }
    this.#remembered += first.length
    this.#states.set(key, state)
    return state
  }

  /**
   * Rules that still count once `known` columns are placed: those not yet decided, and of the others, where comparisons are
   * entangled, those that hang on values that they compare with.
   */
  #activeRules(known: number): number[] {
    const verdicts = this.rules.map((_, rule) => this.#verdict(rule, known))
    const isIn = this.rules.map((_, rule) => verdicts[rule] !== holds && this.#last[rule]! >= known)
    if (this.#isEntangled) {
      const columns = new Set(this.#named.flatMap((places, rule) => (isIn[rule]! ? [...places] : [])))
      for (let hasGrown = true; hasGrown; ) {
        hasGrown = false
        this.#named.forEach((places, rule) => {
          if (isIn[rule]! || verdicts[rule] !== open || [...places].every((place) => !columns.has(place))) return
          isIn[rule] = hasGrown = true
          for (const place of places) columns.add(place)
        })
      }
    }
    return this.rules.flatMap((_, rule) => (isIn[rule]! ? [rule] : []))
  }

  /** Whether columns `at` on can be placed so that the rules of `mask` are kept; `fixed`: classes that are given, by column. */
  #completes(at: number, mask: Uint8Array, fixed: readonly (number | undefined)[], look: Look): boolean {
    if (at === this.columns.length) return !this.#isEntangled || this.#hasTicks(mask)
    const only = fixed[at]
    const count = only === undefined ? this.classes[at]!.first.length : 1
    // What came last to an end most often does so again.
    const start = only ?? Math.max(look.last[at]!, 0)
    for (let i = 0; i < count; i++) {
      if (look.left-- <= 0) return false
      const each = only ?? (start + i) % count
      this.#place(at, each)
      const isOpen = this.#naming[at]!.every((rule) => mask[rule] === 0 || this.#verdict(rule, at + 1) !== fails)
      if (!isOpen || !this.#completes(at + 1, mask, fixed, look)) continue
      look.last[at] = each
      return true
    }
    return false
  }

  #hasTicks(mask: Uint8Array): boolean {
    const rules = this.rules.filter((_, rule) => mask[rule] === 1)
    return jointTicks(rules, this.#row, this.#printed)
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
