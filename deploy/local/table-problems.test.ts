import { expect, it } from 'vitest'
import { tableProblems } from './table-problems.ts'

const found = (...problems: readonly object[]) => [{ schema_version: 1, status: 'ok', data: { study: 'x', problems } }]
const outside = {
  kind: 'outside the bins',
  detail: 'a number outside the declared bins',
  count: '1 to 9',
  blocks: true,
}

it('names hospital, column and first row of every problem that is in the way, and no other', () => {
  const lines = tableProblems(
    'north',
    found(
      { ...outside, column: 'albumin', row: 12 },
      { kind: 'unreadable', detail: 'too few cells', count: '1 to 9', line: 3, blocks: true },
      { kind: 'more than promised', detail: 'rows', count: '100 to 999', blocks: true },
      { kind: 'breaks a constraint', detail: 'a rule', count: '1 to 9', blocks: false },
    ),
  )
  expect(lines).toEqual([
    'north, column albumin, row 12: outside the bins: a number outside the declared bins (there are 1 to 9)',
    'north, line 3: unreadable: too few cells (there are 1 to 9)',
    'north: more than promised: rows (there are 100 to 999)',
  ])
})

it('reads the findings beside the error that follows them, and nothing where there are none', () => {
  const error = { schema_version: 1, status: 'error', error_code: 'TABLE_INVALID', message: 'outside the bins' }
  expect(tableProblems('north', [...found(outside), error])).toHaveLength(1)
  expect(tableProblems('north', [error])).toEqual([])
  expect(tableProblems('north', found())).toEqual([])
})
