import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import type { CellCondition } from './cell-condition.ts'
import { fails, holds, lookaheadOf, open } from './condition-lookahead.ts'

const sizes = [2, 3, 2, 3]

const leaves = fc
  .nat(sizes.length - 1)
  .chain((column) =>
    fc
      .array(fc.constantFrom(0, 1), { minLength: sizes[column]!, maxLength: sizes[column]! })
      .map((allowed): CellCondition => ({ column, allowed: Uint8Array.from(allowed) })),
  )
const conditions = fc.letrec<{ condition: CellCondition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    fc.array(tie('condition'), { maxLength: 4 }).map((all) => ({ all })),
    fc.array(tie('condition'), { maxLength: 4 }).map((any) => ({ any })),
  ),
})).condition

const isMet = (condition: CellCondition, row: ArrayLike<number>): boolean => {
  if ('column' in condition) return condition.allowed[row[condition.column]!] === 1
  return 'all' in condition
    ? condition.all.every((part) => isMet(part, row))
    : condition.any.some((part) => isMet(part, row))
}

const everyRow = sizes.reduce<number[][]>(
  (rows, size) => rows.flatMap((row) => Array.from({ length: size }, (_, cell) => [...row, cell])),
  [[]],
)

test.prop([conditions, fc.nat(35), fc.nat(4)])(
  'never rules out a row that can still be met, never promises one that cannot',
  (condition, at, known) => {
    const lookahead = lookaheadOf(condition)
    const row = everyRow[at]!
    const verdict = lookahead.verdict(Uint16Array.from(row), known)
    const completions = everyRow.filter((other) => other.every((cell, j) => j >= known || cell === row[j]))
    const met = completions.map((other) => isMet(condition, other))
    if (verdict === holds) expect(met.every(Boolean)).toBe(true)
    if (verdict === fails) expect(met.some(Boolean)).toBe(false)
    if (known === sizes.length) expect(verdict).not.toBe(open)
  },
)

test.prop([conditions, fc.nat(35), fc.nat(3)])(
  'gives each cell of a column the verdict that it has alone',
  (condition, at, column) => {
    const lookahead = lookaheadOf(condition)
    const row = Uint16Array.from(everyRow[at]!)
    const out = new Uint8Array(sizes[column]!)
    lookahead.verdicts(row.slice(), column, out)
    out.forEach((verdict, cell) => {
      row[column] = cell
      expect(verdict).toBe(lookahead.verdict(row, column + 1))
    })
  },
)

it('sees at once what one column alone decides', () => {
  const leaf = (...allowed: number[]): CellCondition => ({ column: 1, allowed: Uint8Array.from(allowed) })
  const never = lookaheadOf({ all: [leaf(1, 0, 0), { all: [leaf(0, 1, 1)] }] })
  const ever = lookaheadOf({ any: [leaf(1, 0, 0), { any: [leaf(0, 1, 1)] }] })
  expect([never, ever].map((lookahead) => lookahead.verdict(new Uint16Array(4), 0))).toEqual([fails, holds])
  expect(lookaheadOf({ all: [leaf(1, 0, 0), { any: [leaf(0, 1, 1), leaf(1, 0, 0)] }] }).columns).toEqual([1])
})
