import { describe, expect, it } from 'vitest'
import { columnSchema, sourceSchema } from '../study/study-schema.ts'
import { columnsOf } from '../schema/column.ts'
import { checkConstraints } from './check-constraints.ts'
import { parseConstraint } from './parse-constraint.ts'

const stage = ['0', 'I', 'II', 'III']
const columns = [
  { name: 'sex', kind: 'categorical', levels: ['female', 'male'] },
  { name: 'pregnant', kind: 'categorical', levels: ['no', 'yes'], missing: 'level' },
  { name: 'smoking', kind: 'categorical', levels: ['never', 'if', 'then', 'before', 'stage'] },
  { name: 'never', kind: 'categorical', levels: ['a', 'z'] },
  { name: 'stage', kind: 'categorical', levels: ['x', 'if'] },
  { name: 'before', kind: 'categorical', levels: stage, ordered: true },
  { name: 'after', kind: 'categorical', levels: stage.slice(0, 3), ordered: true, missing: 'level' },
  { name: 'shuffled', kind: 'categorical', levels: ['II', 'I', '0'], ordered: true },
  { name: 'age', kind: 'numeric', integer: true, bins: [0, 18, 40], maximum: 90 },
  { name: 'age at onset', kind: 'numeric', integer: true, bins: [0, 10, 60], maximum: 90, missing: 'level' },
  { name: 'low', kind: 'numeric', bins: [0, 5], maximum: 10, unit: 'mg/dL' },
  { name: 'high', kind: 'numeric', bins: [0, 2.25], maximum: 10, unit: 'mg/dL' },
  { name: 'other', kind: 'numeric', bins: [0, 2.25], maximum: 10, unit: 'mmol/L' },
  { name: 'grade', kind: 'categorical', levels: ['1.0', '2', '30'], numeric_text: true },
  {
    name: 'admitted',
    kind: 'date',
    every: 'year',
    bins: [18262, 18628],
    maximum: 18992,
    missing: 'refuse',
    outside: 'refuse',
  },
  {
    name: 'discharged',
    kind: 'date',
    every: 'year',
    bins: [18262, 18628],
    maximum: 18992,
    missing: 'level',
    outside: 'refuse',
  },
].map((spec) => columnSchema.parse(spec))
const study = { columns, source: sourceSchema.parse({ format: 'csv' }) }
const rule = (text: string) => parseConstraint(text, columnsOf(study)).rule
const check = (...constraints: string[]) =>
  checkConstraints({ ...study, constraints }).map(({ path, message }) => `${path.join('.')}: ${message}`)

describe('parseConstraint', () => {
  it('compares columns', () => {
    expect(rule('"age at onset" <= age')).toEqual({ column: 'age at onset', comparator: '<=', other: 'age' })
    expect(rule('low < high <= 9')).toEqual({
      all: [
        { column: 'low', comparator: '<', other: 'high' },
        { column: 'high', at_most: 9 },
      ],
    })
    expect(rule('before <= after')).toEqual({ column: 'before', comparator: '<=', other: 'after' })
    expect(rule('grade < age')).toEqual({ column: 'grade', comparator: '<', other: 'age' })
    expect(rule('discharged >= admitted')).toEqual({ column: 'discharged', comparator: '>=', other: 'admitted' })
  })

  it('reads implications and forbidden combinations', () => {
    const antecedent = { not: { column: 'sex', is: 'male' } }
    expect(rule('if sex = male then pregnant = no')).toEqual({
      any: [antecedent, { column: 'pregnant', is: 'no' }],
    })
    expect(rule('NEVER (age < 18 AND smoking = if)')).toEqual({
      not: {
        all: [
          { column: 'age', below: 18 },
          { column: 'smoking', is: 'if' },
        ],
      },
    })
    expect(rule('if (sex = male or low <= high) then (pregnant = no and after <= before)')).toEqual({
      any: [
        {
          not: {
            any: [
              { column: 'sex', is: 'male' },
              { column: 'low', comparator: '<=', other: 'high' },
            ],
          },
        },
        {
          all: [
            { column: 'pregnant', is: 'no' },
            { column: 'after', comparator: '<=', other: 'before' },
          ],
        },
      ],
    })
  })

  it('takes IF, THEN and NEVER for names where a name stands', () => {
    expect(rule('smoking = never')).toEqual({ column: 'smoking', is: 'never' })
    expect(rule('never = a')).toEqual({ column: 'never', is: 'a' })
    expect(rule('never not in (a)')).toEqual({ not: { column: 'never', in: ['a'] } })
    expect(rule('never never = a')).toEqual({ not: { column: 'never', is: 'a' } })
    expect(rule('if smoking = then then never = a')).toEqual({
      any: [{ not: { column: 'smoking', is: 'then' } }, { column: 'never', is: 'a' }],
    })
  })

  it('leaves what is missing unknown: != is NOT =', () => {
    expect(rule('pregnant != yes')).toEqual({ not: { column: 'pregnant', is: 'yes' } })
  })
})

describe('checkConstraints', () => {
  it('names the character', () => {
    expect(check('age <= 80', 'age <= wieght')).toEqual(['constraints.1: character 8: age is a number, wieght is not'])
    expect(check('if sex = male\n then pregnent = no')).toEqual([
      'constraints.0: line 2, character 7: no column pregnent: the study has sex, pregnant, smoking, never, stage, before, after, shuffled, age, age at onset, low, high, other, grade, admitted, discharged',
    ])
    expect(check('if sex = male')).toEqual([
      'constraints.0: character 14: THEN expected: a rule that begins with IF says what follows',
    ])
    expect(check('if sex = then pregnant = no')[0]).toContain('character 28: THEN expected')
    expect(check('if sex = male then')[0]).toContain('constraints.0: character 19: ')
    expect(check('if sex = male pregnant then age = 3')[0]).toContain('character 15: ')
  })

  it('refuses columns that do not compare', () => {
    expect(check('low <= other')[0]).toContain('low is in mg/dL, other in mmol/L')
    expect(check('sex = age')[0]).toContain('sex is one of its levels, age a number: they do not compare')
    expect(check('admitted < age')[0]).toContain('admitted is a date, age a number: they do not compare')
    expect(check('sex < pregnant')[0]).toContain('the levels of sex have no order')
    expect(check('before < shuffled')[0]).toContain('shuffled needs the levels of before, in their order')
    expect(check('sex = pregnant')[0]).toContain('sex and pregnant have no level in common')
    expect(check('age < age')[0]).toContain('age is compared with itself')
    expect(check('smoking = stage')[0]).toContain('stage is a level of smoking and a column')
    expect(check('smoking IN (stage, never)', 'smoking = never')).toEqual([])
  })

  it('passes what rows can keep', () => {
    expect(
      check(
        'low <= high',
        'high <= low',
        'NEVER (age < 18 AND smoking = if)',
        'if sex = male then pregnant = no',
        'admitted <= discharged',
        'discharged != admitted',
        'before < after',
        'age > 17',
      ),
    ).toEqual([])
    // Missing is no contradiction.
    expect(check('"age at onset" < age', 'age < "age at onset"')).toEqual([])
  })

  it('refuses what no row can keep, and names the rules that it cannot be kept with', () => {
    expect(check('age > 90')).toEqual(['constraints.0: no row can keep it'])
    expect(check('high > low', 'sex = male', 'low >= high')).toEqual([
      'constraints.2: no row can keep it together with constraints[0]',
    ])
    expect(check('low < high', 'high <= age', 'sex = male', 'age <= low')).toEqual([
      'constraints.3: no row can keep it together with constraints[0], constraints[1]',
    ])
    expect(check('if sex = male then age > 50', 'sex = male or age > 60', 'age <= 40')).toEqual([
      'constraints.2: no row can keep it together with constraints[0], constraints[1]',
    ])
    expect(check('low >= 8', 'high <= 7', 'if sex = male then high >= low', 'sex != female')).toEqual([
      'constraints.3: no row can keep it together with constraints[0], constraints[1], constraints[2]',
    ])
    expect(check('low = high', 'high != low')[0]).toContain('together with constraints[0]')
    expect(check('low <= high', 'high <= age', 'age <= low', 'low != age')[0]).toContain('together with constraints[0]')
    expect(check('before = after', 'after IS NOT MISSING', 'before != after')[0]).toContain('constraints.2: no row')
    expect(check('before > after', 'after IS NOT MISSING', 'before = 0')).toEqual([
      'constraints.2: no row can keep it together with constraints[0], constraints[1]',
    ])
  })
})
