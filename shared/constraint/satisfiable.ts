import type { Comparator } from '../condition/condition-grammar.ts'
import { flipped } from '../condition/parse-condition.ts'
import type { Column } from '../schema/column.ts'
import { type CellRule, type CompiledRules, compiledRules, type Link, type Side } from './compiled-rules.ts'
import type { Constraint } from './constraint.ts'
import { spanWithin } from './rule-parts.ts'

/** Ways through alternatives that are tried before the constraints pass as satisfiable. */
const mostBranches = 20_000

/**
 * False where no row can keep all the constraints; true where one can, or where that was too long to find out, or hangs on single
 * values between which two columns have to agree. Every alternative is tried in turn (a tableau, Beth 1955) on cells cut at every
 * constant; comparisons of columns that are left together are judged by the smallest and largest values that each column may
 * still have (bounds consistency) and by a cycle among them that has a `<` (Floyd 1962).
 */
export const isSatisfiable = (constraints: readonly Constraint[], columns: readonly Column[]): boolean => {
  const compiled = compiledRules(constraints, columns)
  const branches = { left: mostBranches }
  return isOpen(
    { domains: compiled.printed.map(({ parent }) => new Uint8Array(parent.length).fill(1)), links: [] },
    compiled.rules,
    compiled,
    branches,
  )
}

interface Branch {
  /** By column, the cells that are still possible. */
  readonly domains: readonly Uint8Array[]
  readonly links: readonly Link[]
}

const isOpen = (
  branch: Branch,
  rules: readonly CellRule[],
  compiled: CompiledRules,
  branches: { left: number },
): boolean => {
  if (branches.left-- <= 0) return true
  const domains = [...branch.domains]
  const links = [...branch.links]
  const open: (readonly CellRule[])[] = []
  const waiting = [...rules]
  for (let rule = waiting.pop(); rule !== undefined; rule = waiting.pop()) {
    if ('all' in rule) waiting.push(...rule.all)
    else if ('any' in rule) open.push(rule.any)
    else if ('allowed' in rule) {
      const { allowed } = rule
      const left = domains[rule.column]!.map((cell, i) => cell & allowed[i]!)
      if (!left.includes(1)) return false
      domains[rule.column] = left
    } else if (rule.isPresent) links.push(rule)
    else open.push(alternatives(rule, compiled))
  }
  if (!areConsistent(domains, links, compiled)) return false
  const [first, ...others] = open
  if (first === undefined) return true
  const rest = others.map((any): CellRule => ({ any }))
  return first.some((part) => isOpen({ domains, links }, [part, ...rest], compiled, branches))
}

/** A comparison holds where a side is missing. */
const alternatives = (link: Link, { printed }: CompiledRules): readonly CellRule[] => {
  const sides = [link.left.column, link.right.column].flatMap((column): CellRule[] => {
    const { parent, missingCode } = printed[column]!
    return missingCode < 0
      ? []
      : [{ column, allowed: Uint8Array.from(parent, (code) => (code === missingCode ? 1 : 0)) }]
  })
  const present = [link.left.column, link.right.column].map((column): CellRule => {
    const { parent, missingCode } = printed[column]!
    return { column, allowed: Uint8Array.from(parent, (code) => (code === missingCode ? 0 : 1)) }
  })
  return [{ all: [...present, { ...link, isPresent: true }] }, ...sides]
}

interface Order {
  readonly lower: Side
  readonly upper: Side
  readonly isStrict: boolean
}

/** `<`, `<=` and both halves of `=`, from lower to upper. */
const ordersOf = ({ left, comparator, right }: Link): Order[] => {
  const isStrict = !comparator.includes('=')
  if (comparator === '!=') return []
  const up: Order = { lower: left, upper: right, isStrict }
  const down: Order = { lower: right, upper: left, isStrict }
  return comparator === '=' ? [up, down] : comparator[0] === '<' ? [up] : [down]
}

/** Below, equal, above: what a comparison leaves of the three. */
const relations: Record<Comparator, number> = { '<': 1, '<=': 3, '=': 2, '!=': 5, '>=': 6, '>': 4 }

/** Whether each pair of columns has a relation left that all its comparisons allow. */
const isOneRelationLeft = (links: readonly Link[]): boolean => {
  const left = new Map<string, number>()
  for (const { left: one, comparator, right: other } of links) {
    const isTurned = one.column > other.column
    const key = isTurned ? `${other.column} ${one.column}` : `${one.column} ${other.column}`
    const rest = (left.get(key) ?? 7) & relations[isTurned ? flipped[comparator] : comparator]
    if (rest === 0) return false
    left.set(key, rest)
  }
  return true
}

/**
 * Values of different kinds of sides have numbers of their own (a column's ranks in one comparison are not those in another):
 * bounds are followed from column to column for numbers and dates only, and single comparisons for all.
 */
const areConsistent = (domains: readonly Uint8Array[], links: readonly Link[], { printed }: CompiledRules): boolean => {
  if (!isOneRelationLeft(links)) return false
  const span = (side: Side) => spanWithin(side, printed, domains[side.column]!)
  const orders = links.flatMap(ordersOf)
  for (const { lower, upper, isStrict } of orders) {
    const [one, other] = [span(lower), span(upper)]
    if (isStrict ? !(one.low < other.high) : !(one.low <= other.high)) return false
  }
  for (const { left, comparator, right } of links) {
    if (comparator !== '!=') continue
    const [one, other] = [span(left), span(right)]
    if (one.low === one.high && other.low === other.high && one.low === other.low) return false
  }
  const numbers = orders.filter(({ lower, upper }) => lower.values === null && upper.values === null)
  const columns = [...new Set(numbers.flatMap(({ lower, upper }) => [lower.column, upper.column]))]
  // 1: at most, 2: below, on the way from a column to another.
  const ways = columns.map(() => new Uint8Array(columns.length))
  for (const { lower, upper, isStrict } of numbers) {
    const [from, to] = [columns.indexOf(lower.column), columns.indexOf(upper.column)]
    ways[from]![to] = Math.max(ways[from]![to]!, isStrict ? 2 : 1)
  }
  for (let k = 0; k < columns.length; k++)
    for (let i = 0; i < columns.length; i++)
      for (let j = 0; j < columns.length; j++)
        if (ways[i]![k]! > 0 && ways[k]![j]! > 0) ways[i]![j] = Math.max(ways[i]![j]!, ways[i]![k]!, ways[k]![j]!)
  const isEqual = (one: number, other: number) => ways[one]?.[other] === 1 && ways[other]?.[one] === 1
  for (const { left, comparator, right } of links) {
    const [one, other] = [columns.indexOf(left.column), columns.indexOf(right.column)]
    if (comparator === '!=' && isEqual(one, other)) return false
  }
  const spans = columns.map((column) => span({ column, values: null }))
  return columns.every((_, i) =>
    columns.every((_, j) => {
      const way = ways[i]![j]!
      if (way === 0) return true
      if (i === j) return way < 2
      return way === 2 ? spans[i]!.low < spans[j]!.high : spans[i]!.low <= spans[j]!.high
    }),
  )
}
