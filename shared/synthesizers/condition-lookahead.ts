import type { CellCondition } from './cell-condition.ts'

/** What is known of a row's condition from its first columns: it fails, is open, or holds whatever follows. */
export const fails = 0
export const open = 1
export const holds = 2

/** A condition read column by column. `row` holds one cell a column, of which the first `known` count. */
export interface Lookahead {
  /** The columns that it depends on, ascending. */
  readonly columns: readonly number[]
  /** `fails`, `open` or `holds`. `open` where three-valued logic (Kleene 1938) cannot tell: a row may still prove impossible. */
  verdict(row: Uint16Array, known: number): number
  /** The verdict with each cell of `column` in turn, columns before it known; `row[column]` is overwritten. */
  verdicts(row: Uint16Array, column: number, out: Uint8Array): void
}

/** What a condition is whatever the row, as far as its parts on single columns tell; null where that depends on the row. */
export const constantOf = (condition: CellCondition): boolean | null => {
  const simple = simplify(condition)
  return typeof simple === 'boolean' ? simple : null
}

type Leaf = Extract<CellCondition, { column: number }>
type Verdict = (row: Uint16Array, known: number) => number

/** Cost of a verdict: leaves of the condition; of `verdicts`: that, for each way in which the column's cells differ. */
export const lookaheadOf = (condition: CellCondition): Lookahead => {
  const simple = simplify(condition)
  if (typeof simple === 'boolean') {
    const known = simple ? holds : fails
    return { columns: [], verdict: () => known, verdicts: (_row, _column, out) => void out.fill(known) }
  }
  const leaves = leavesOf(simple)
  const columns = [...new Set(leaves.map(({ column }) => column))].sort((a, b) => a - b)
  const classes = new Map(columns.map((column) => [column, classesOf(leaves.filter((leaf) => leaf.column === column))]))
  const verdict = verdictOf(simple)
  return {
    columns,
    verdict,
    verdicts(row, column, out) {
      const same = classes.get(column)
      if (same === undefined) {
        out.fill(verdict(row, column))
        return
      }
      for (let cell = 0; cell < same.length; cell++) {
        const alike = same[cell]!
        if (alike === cell) row[column] = cell
        out[cell] = alike === cell ? verdict(row, column + 1) : out[alike]!
      }
    },
  }
}

const verdictOf = (condition: CellCondition): Verdict => {
  if ('column' in condition) {
    const { column, allowed } = condition
    return (row, known) => (column >= known ? open : allowed[row[column]!] === 1 ? holds : fails)
  }
  const [parts, decided] = 'all' in condition ? [condition.all, fails] : [condition.any, holds]
  const verdicts = parts.map(verdictOf)
  const undecided = decided === fails ? holds : fails
  return (row, known) => {
    let seen: number = undecided
    for (const part of verdicts) {
      const value = part(row, known)
      if (value === decided) return decided
      if (value === open) seen = open
    }
    return seen
  }
}

/** For each cell of a column the first one that all its leaves treat alike. */
const classesOf = (leaves: readonly Leaf[]): Int32Array => {
  const first = new Map<string, number>()
  return Int32Array.from(leaves[0]!.allowed, (_, cell) => {
    const key = leaves.map(({ allowed }) => allowed[cell]).join('')
    const known = first.get(key)
    if (known === undefined) first.set(key, cell)
    return known ?? cell
  })
}

const leavesOf = (condition: CellCondition): Leaf[] => {
  if ('column' in condition) return [condition]
  return ('all' in condition ? condition.all : condition.any).flatMap(leavesOf)
}

/** Constants folded, nested lists flattened, and the leaves that one list has on one column made into one. */
const simplify = (condition: CellCondition): CellCondition | boolean => {
  if ('column' in condition) {
    if (condition.allowed.every((cell) => cell === 1)) return true
    return condition.allowed.every((cell) => cell === 0) ? false : condition
  }
  const isAll = 'all' in condition
  const listed = (isAll ? condition.all : condition.any)
    .map(simplify)
    .flatMap((part): readonly (CellCondition | boolean)[] => (isCondition(part) ? partsOf(part, isAll) : [part]))
  // A list is decided by one part that fails (all) or holds (any); the other constant says nothing.
  if (listed.includes(!isAll)) return !isAll
  const parts = listed.filter(isCondition)
  const leaves = new Map<number, Leaf>()
  for (const part of parts) {
    if (!('column' in part)) continue
    const known = leaves.get(part.column)
    leaves.set(part.column, known === undefined ? part : merged(known, part, isAll))
  }
  const folded = [...leaves.values()].map((leaf) => (parts.includes(leaf) ? leaf : simplify(leaf)))
  if (folded.includes(!isAll)) return !isAll
  const kept = [...folded.filter(isCondition), ...parts.filter((part) => !('column' in part))]
  if (kept.length <= 1) return kept[0] ?? isAll
  return isAll ? { all: kept } : { any: kept }
}

const isCondition = (part: CellCondition | boolean): part is CellCondition => typeof part !== 'boolean'

const partsOf = (part: CellCondition, isAll: boolean): readonly CellCondition[] => {
  if (isAll && 'all' in part) return part.all
  return !isAll && 'any' in part ? part.any : [part]
}

const merged = (one: Leaf, other: Leaf, isAll: boolean): Leaf => ({
  column: one.column,
  allowed: one.allowed.map((cell, i) => (isAll ? cell & other.allowed[i]! : cell | other.allowed[i]!)),
})
