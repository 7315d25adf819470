import { conditionText } from '@tributary/shared/condition/condition-text'
import type { Condition } from '@tributary/shared/condition/condition-tree'
import { CodedError } from '@tributary/shared/errors'
import { type Column, sizeOfColumn } from '@tributary/shared/schema/column'
import { valueText } from '@tributary/shared/schema/numeric'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import { constantOf } from '@tributary/shared/synthesizers/condition-lookahead'
import type { AskedOrder } from './asked-order.ts'
import type { Margin } from './fitted-shares.ts'

/** Strata of one order: each has a pilot and a sampler of its own. */
export const mostStrata = 64

/** A respect in which an order divides the rows: a row is in exactly one of its ways. */
export interface Respect {
  /** Of the order: `reweight.0.share`. */
  readonly field: string
  readonly kind: 'augment' | 'reweight' | 'balance'
  /** A condition of the order and its denial, or the levels of a balanced column. */
  readonly ways: readonly Condition[]
}

/** A combination of ways that single columns do not rule out. */
export interface Atom {
  /** By respect. */
  readonly ways: readonly number[]
  readonly cells: CellCondition
  readonly text: string
}

/** The respects of an order; every condition to be compiled is among their ways. */
export const respectsOf = (asked: AskedOrder, columns: readonly Column[]): Respect[] => [
  ...(asked.augment === null ? [] : [divided('augment', 'augment.condition', asked.augment.condition)]),
  ...asked.reweight.map(({ condition }, i) => divided('reweight', `reweight.${i}.share`, condition)),
  ...asked.balance.map((column, i) => ({
    field: `balance.${i}`,
    kind: 'balance' as const,
    ways: Array.from({ length: sizeOfColumn(columns[column]!) }, (_, code) => levelCondition(columns[column]!, code)),
  })),
]

const divided = (kind: Respect['kind'], field: string, condition: Condition): Respect => ({
  field,
  kind,
  ways: [condition, 'not' in condition ? condition.not : { not: condition }],
})

/** Level or bin `code`, as a condition. */
export const levelCondition = (column: Column, code: number): Condition => {
  const { name } = column
  if (column.missing === 'level' && code === sizeOfColumn(column) - 1) return { column: name, missing: true }
  if (column.kind === 'categorical') return { column: name, is: column.levels[code]! }
  const bound = (value: number) => (column.kind === 'date' ? valueText(column, value) : value)
  const start = column.bins[code]!
  const next = column.bins[code + 1]
  return next === undefined
    ? { column: name, at_least: bound(start), at_most: bound(column.maximum) }
    : { column: name, at_least: bound(start), below: bound(next) }
}

/**
 * All combinations of ways, but those that single columns rule out, `where` included. `compiled[r][w]`: way w of respect r over
 * cells. Throws `SHARES_IMPOSSIBLE` beyond `mostStrata`.
 */
export const atomsOf = (
  respects: readonly Respect[],
  compiled: readonly (readonly CellCondition[])[],
  where: CellCondition | null,
): Atom[] => {
  const atoms: Atom[] = []
  const first = where === null ? [] : [where]
  const extend = (ways: readonly number[], parts: readonly CellCondition[]): void => {
    const respect = ways.length
    if (respect === respects.length) {
      if (atoms.length === mostStrata) throw tooMany(respects)
      atoms.push({ ways, cells: { all: [...first, ...parts] }, text: atomText(respects, compiled, ways) })
      return
    }
    compiled[respect]!.forEach((cells, way) => {
      if (constantOf({ all: [...first, ...parts, cells] }) !== false) extend([...ways, way], [...parts, cells])
    })
  }
  extend([], [])
  return atoms
}

const tooMany = (respects: readonly Respect[]) =>
  new CodedError(
    'SHARES_IMPOSSIBLE',
    `the rows fall into more than ${mostStrata} strata (${respects.map(({ ways }) => ways.length).join(' x ')} combinations): name fewer columns, or coarser ones`,
    { place: { field: respects[respects.length - 1]!.field } },
  )

/** What tells the atom from the others; a denial that another of its ways implies is left out. */
const atomText = (
  respects: readonly Respect[],
  compiled: readonly (readonly CellCondition[])[],
  ways: readonly number[],
): string => {
  const isDenial = (r: number) => respects[r]!.kind !== 'balance' && ways[r] === 1
  const asserted = ways.flatMap((way, r) => (isDenial(r) ? [] : [compiled[r]![way]!]))
  const told = ways.flatMap((way, r) => {
    const denied = isDenial(r) ? compiled[r]![0]! : null
    const isImplied = denied !== null && asserted.some((part) => constantOf({ all: [part, denied] }) === false)
    return isImplied ? [] : [respects[r]!.ways[way]!]
  })
  return told.length === 1 ? conditionText(told[0]!) : conditionText({ all: told })
}

/** What is asked of the atoms: `masses` of those that there are, `ways` of each. */
export interface Asked {
  readonly margins: readonly Margin[]
  /** Of the order, by margin. */
  readonly fields: readonly string[]
}

/**
 * The shares that an order asks for. Augmented: K s : 1 - s, s being the share without it. Balanced: every combination of the
 * balanced columns that there is, alike.
 */
export const marginsOf = (
  asked: AskedOrder,
  respects: readonly Respect[],
  ways: readonly (readonly number[])[],
  masses: readonly number[],
): Asked => {
  const margins: Margin[] = []
  const fields: string[] = []
  const add = (field: string, group: readonly number[], shares: readonly number[]) => {
    margins.push({ group, shares })
    fields.push(field)
  }
  const whole = masses.reduce((a, b) => a + b, 0)
  let reweighted = 0
  for (const [r, { kind, field }] of respects.entries()) {
    const group = ways.map((way) => way[r]!)
    if (kind === 'augment' && asked.augment !== null) {
      const share = masses.reduce((sum, mass, i) => sum + (group[i] === 0 ? mass : 0), 0) / whole
      const more = asked.augment.times * share
      add(field, group, [more / (more + 1 - share), (1 - share) / (more + 1 - share)])
    } else if (kind === 'reweight') {
      const { share } = asked.reweight[reweighted++]!
      add(field, group, [share, 1 - share])
    }
  }
  const balanced = respects.flatMap(({ kind }, r) => (kind === 'balance' ? [r] : []))
  if (balanced.length > 0) {
    const keys = ways.map((way) => balanced.map((r) => way[r]).join())
    const present = [...new Set(keys)]
    add(
      'balance',
      keys.map((key) => present.indexOf(key)),
      present.map(() => 1 / present.length),
    )
  }
  return { margins, fields }
}
