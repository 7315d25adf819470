import { fc, test } from '@fast-check/vitest'
import { columnSchema, type Manifest, sourceSchema } from '../study/study-schema.ts'
import { describe, expect, it } from 'vitest'
import { type Condition, conditionSchema, conditionText, parseCondition } from './condition.ts'
import { type ImpossiblePart, impossibleParts, impossibleText } from './impossible-parts.ts'
import { compiledCondition } from './compiled-condition.ts'
import type { Leaf } from './condition-tree.ts'
import { columnsOf } from '../schema/column.ts'

const columns = [
  { name: 'age', kind: 'numeric', integer: true, bins: [18, 40, 60, 70], maximum: 100 },
  { name: 'diabetes', kind: 'categorical', levels: ['yes', 'no'] },
  { name: 'kidney', kind: 'categorical', levels: ['G1', 'G2', 'G3a', 'G3b'], ordered: true, missing: 'level' },
  { name: 'smoking', kind: 'categorical', levels: ['never', 'former', 'current'], missing: 'level' },
  { name: 'creatinine', kind: 'numeric', bins: [0, 0.5, 1, 2.5], maximum: 20, missing: 'level' },
  { name: 'stage', kind: 'categorical', levels: ['1.0', '2', '3'], numeric_text: true },
  { name: 'the "odd" one', kind: 'categorical', levels: ['<30', "it's", 'NOT', 'a, b', 'größer-als', '-3', '1e5'] },
  { name: 'in', kind: 'categorical', levels: ['5', 'x'] },
].map((spec) => columnSchema.parse(spec))
const study: Pick<Manifest, 'columns' | 'source'> = {
  columns,
  source: sourceSchema.parse({ format: 'csv', missing: ['?'] }),
}
const parse = (text: string) => parseCondition(text, study)

describe('parseCondition', () => {
  it('reads the example of the handbook', () => {
    const text = 'age >= 60 AND (diabetes = yes OR kidney IN (G3a, "G3b")) AND NOT smoking = current'
    expect(parse(text)).toEqual({
      all: [
        { column: 'age', at_least: 60 },
        {
          any: [
            { column: 'diabetes', is: 'yes' },
            { column: 'kidney', in: ['G3a', 'G3b'] },
          ],
        },
        { not: { column: 'smoking', is: 'current' } },
      ],
    })
  })

  it.each<[string, Condition]>([
    ['age < 60', { column: 'age', below: 60 }],
    ['60 <= age', { column: 'age', at_least: 60 }],
    ['60 <= age < 70', { column: 'age', at_least: 60, below: 70 }],
    ['70 >= age > 60', { column: 'age', above: 60, at_most: 70 }],
    ['age between 60 and 70', { column: 'age', at_least: 60, at_most: 70 }],
    ['age = 61', { column: 'age', is: 61 }],
    ['age <> 61', { not: { column: 'age', is: 61 } }],
    ['age not between 60 and 70', { not: { column: 'age', at_least: 60, at_most: 70 } }],
    ['creatinine = .5', { column: 'creatinine', is: 0.5 }],
    ['creatinine > -1e1', { column: 'creatinine', above: -10 }],
    ['stage = 1', { column: 'stage', is: '1.0' }],
    ['stage > 1.5', { column: 'stage', in: ['2', '3'] }],
    ['kidney >= G2', { column: 'kidney', in: ['G2', 'G3a', 'G3b'] }],
    ['kidney < G2', { column: 'kidney', is: 'G1' }],
    ['smoking Is Missing', { column: 'smoking', missing: true }],
    ['smoking is NOT missing', { not: { column: 'smoking', missing: true } }],
    ['NOT NOT age = 61', { not: { not: { column: 'age', is: 61 } } }],
    [
      "'the \"odd\" one' IN ('it''s', \"<30\", größer-als)",
      { column: 'the "odd" one', in: ["it's", '<30', 'größer-als'] },
    ],
    ['"the ""odd"" one" = "NOT"', { column: 'the "odd" one', is: 'NOT' }],
    ['"the ""odd"" one" = -3', { column: 'the "odd" one', is: '-3' }],
    ['"in" = 5', { column: 'in', is: '5' }],
    [
      'smoking != current',
      { all: [{ not: { column: 'smoking', is: 'current' } }, { not: { column: 'smoking', missing: true } }] },
    ],
    [
      'age > 60 or diabetes = no and stage = 2',
      {
        any: [
          { column: 'age', above: 60 },
          {
            all: [
              { column: 'diabetes', is: 'no' },
              { column: 'stage', is: '2' },
            ],
          },
        ],
      },
    ],
  ])('reads %s', (text, tree) => {
    expect(parse(text)).toEqual(tree)
    expect(conditionSchema.parse(tree)).toEqual(tree)
  })

  it.each([
    ['Age > 60', 1, 'no column Age: did you mean age?'],
    ['bmi > 60', 1, 'no column bmi: the study has age, diabetes'],
    ['age > 60 AND diabetes = maybe', 25, 'diabetes has no level maybe: it has yes, no'],
    ['diabetes = Yes', 12, 'did you mean yes?'],
    ['kidney IN (G1, G4)', 16, 'kidney has no level G4'],
    ['age > old', 7, 'age is a number, old is not'],
    ['age = 6o', 7, 'age is a number, 6o is not'],
    ['age IN (20, 1e400)', 13, 'age is a number, 1e400 is not'],
    ['kidney < G9', 10, 'kidney has no level G9'],
    ['60 < age > 70', 1, 'two comparisons in a row are for a range'],
    ['diabetes > yes', 12, 'the levels of diabetes have no order'],
    ['', 1, 'expected, found the end'],
    ['age', 4, 'a comparison, IS, NOT, IN, BETWEEN expected, found the end'],
    ['age >', 6, 'a name, a number, a quoted text expected, found the end'],
    ['age > 60 AND', 13, 'expected, found the end'],
    ['(age > 60', 10, '")" expected, found the end'],
    ['age > 60) OR age < 20', 9, 'AND, OR or the end expected, found )'],
    ['age > 60 diabetes = yes', 10, 'AND, OR or the end expected, found diabetes'],
    ['age BETWEEN 60 OR 70', 16, 'AND expected, found OR'],
    ['kidney IN ()', 12, 'expected, found )'],
    ['smoking IS current', 12, 'MISSING expected, found current'],
    ['age & 60', 5, '& has no meaning here'],
    ['diabetes = "yes', 12, 'this quote is not closed'],
    [`${'('.repeat(2000)}age > 60${')'.repeat(1900)}`, 51, 'more than 50 parentheses and NOTs'],
    [`${'NOT '.repeat(900)}age > 60`, 201, 'more than 50 parentheses and NOTs'],
    [`age > 60${' '.repeat(4000)}`, 4001, 'at most 4000 characters'],
  ])('refuses %s at character %d', (text, at, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'CONDITION_INVALID',
        place: { field: 'where' },
        message: expect.stringMatching(new RegExp(`^character ${at} of the condition: `)),
      }),
    )
    expect(() => parse(text)).toThrow(message)
  })

  const pieces =
    'age diabetes yes no 60 -3 .5 ( ) , = != <> < <= > >= and or not in is missing between "yes" \' & é'.split(' ')
  test.prop([fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((some) => some.join(' '))], { numRuns: 300 })(
    'reads or refuses anything',
    (text) => {
      try {
        parse(text)
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONDITION_INVALID' })
      }
    },
  )
})

describe('what no patient can meet', () => {
  const constant = (text: string) => {
    const condition = parse(text)
    expect(parse(conditionText(condition))).toEqual(condition)
    return compiledCondition(condition, columnsOf(study)).constant(condition)
  }

  it.each([
    'age = 60.5',
    'creatinine = 0.55',
    'age = 101',
    'age IN (7, 1e9)',
    'age < 18',
    'age > 100',
    'age BETWEEN 70 AND 60',
    '50 < age < 51',
    'kidney < G1',
    'stage > 3.5',
    'NOT age <= 100',
    'age > 200 OR age < 0',
    'diabetes = yes AND age > 200',
    'diabetes IS MISSING',
  ])('is no mistake but false: %s', (text) => {
    expect(constant(text)).toBe(false)
    expect(constant(`NOT (${text})`)).toBe(true)
    expect(constant(`(${text}) OR diabetes = yes`)).toBe(null)
  })

  it.each([
    'age >= 18 OR age < 18',
    'age != 60.5',
    'diabetes IS NOT MISSING',
    'diabetes IN (yes, no)',
    'age BETWEEN 0 AND 200',
    'NOT age > 200',
    'smoking IS MISSING OR smoking IS NOT MISSING',
  ])('leaves others true whatever the row: %s', (text) => {
    expect(constant(text)).toBe(true)
  })

  const span = 'age goes from 18 to 100, in whole numbers'
  it.each<[string, ImpossiblePart[]]>([
    ['age >= 18 OR age < 18', [{ text: 'age < 18', reason: span }]],
    ['age IN (20, 60.5, 7)', [60.5, 7].map((is) => ({ text: `age = ${is}`, reason: span }))],
    ['age IN (1, 2)', [{ text: 'age IN (1, 2)', reason: span }]],
    ['diabetes = yes AND NOT age <= 100', [{ text: 'NOT age <= 100', reason: span }]],
    ['age != 60.5', [{ text: 'age = 60.5', reason: span }]],
    ['age = 30 OR (diabetes = yes AND diabetes = no)', [{ text: 'diabetes = yes AND diabetes = no', reason: null }]],
    ['kidney < G1 OR age = 30', [{ text: 'kidney = G1 AND NOT kidney = G1', reason: null }]],
    ['diabetes IS MISSING', [{ text: 'diabetes IS MISSING', reason: null }]],
    ['diabetes IS NOT MISSING AND creatinine IS MISSING', []],
    [
      'creatinine > 20 AND age > 30',
      [{ text: 'creatinine > 20', reason: 'creatinine goes from 0 to 20, in 1 decimal' }],
    ],
  ])('is named: %s', (text, parts) => {
    const condition = parse(text)
    const { constant: constantIn } = compiledCondition(condition, columnsOf(study))
    expect(impossibleParts(condition, columnsOf(study), constantIn)).toEqual(parts)
  })

  it('is named at no great length', () => {
    const condition = parse(Array.from({ length: 200 }, (_, i) => `age = ${i + 200}`).join(' OR '))
    const { constant: constantIn } = compiledCondition(condition, columnsOf(study))
    const text = impossibleText(impossibleParts(condition, columnsOf(study), constantIn))
    expect(text).toMatch(/^age = 200 \(age goes .* and 195 more$/)
    expect(text.length).toBeLessThan(400)
  })
})

const bound = fc.integer({ min: 18, max: 100 })
const leaves: fc.Arbitrary<Condition> = fc.oneof(
  fc.integer({ min: 0, max: 150 }).map((is) => ({ column: 'age', is })),
  fc.array(bound, { minLength: 1, maxLength: 4 }).map((values) => ({ column: 'age', in: values })),
  bound.map((at_least) => ({ column: 'age', at_least })),
  bound.map((at_most) => ({ column: 'age', at_most })),
  fc.integer({ min: 17, max: 99 }).map((above) => ({ column: 'age', above })),
  fc.integer({ min: 19, max: 101 }).map((below) => ({ column: 'age', below })),
  fc
    .tuple(fc.double({ min: -1, max: 9, noNaN: true }), fc.double({ min: 9.1, max: 30, noNaN: true }))
    // A zero without a sign: text has no other.
    .map(([low, high]) => [low + 0, high] as const)
    .chain(([low, high]) =>
      fc.constantFrom<Condition>(
        { column: 'creatinine', at_least: low, at_most: high },
        { column: 'creatinine', at_least: low, below: high },
        { column: 'creatinine', above: low, at_most: high },
        { column: 'creatinine', above: low, below: high },
      ),
    ),
  fc.constantFrom('kidney', 'creatinine', 'age').map((column) => ({ column, missing: true as const })),
  fc.constantFrom(...columns.filter((column) => column.kind === 'categorical')).chain(({ name, levels }) =>
    fc.oneof(
      fc.constantFrom(...levels).map((is) => ({ column: name, is })),
      fc.subarray(levels, { minLength: 1 }).map((some) => ({ column: name, in: some })),
    ),
  ),
)
const trees = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map((any) => ({ any })),
    tie('condition').map((not) => ({ not })),
  ),
})).condition

describe('conditionText', () => {
  test.prop([trees])('parses back to the same tree', (tree) => {
    const text = conditionText(tree)
    fc.pre(text.length <= 4000)
    expect(parse(text)).toEqual(tree)
    expect(conditionText(parse(text))).toBe(text)
    expect(conditionSchema.parse(tree)).toEqual(tree)
  })

  it('is one text however it was written', () => {
    for (const text of [
      'age>=60 and(diabetes="yes"or stage= 1)',
      "  age  >=6e1 AND ('diabetes' = yes OR stage = 1.0) ",
    ])
      expect(conditionText(parse(text))).toBe('age >= 60 AND (diabetes = yes OR stage = 1.0)')
  })
})

describe('conditionSchema', () => {
  it.each([
    [{ column: 'age' }],
    [{ column: 'age', at_least: 1, above: 2 }],
    [{ column: 'age', is: 1, at_least: 2 }],
    [{ column: 'age', missing: false }],
    [{ all: [{ column: 'age', is: 1 }] }],
    [{ not: [] }],
    [{ column: 'age', in: [] }],
  ])('refuses %j', (tree) => {
    expect(conditionSchema.safeParse(tree).success).toBe(false)
  })
})

describe('compiledCondition', () => {
  it.each<[Leaf, string]>([
    [{ column: 'bmi', is: 1 }, 'no such column'],
    [{ column: 'diabetes', at_least: 1 }, 'has levels'],
    [{ column: 'diabetes', is: 'maybe' }, 'no level maybe'],
    [{ column: 'age', is: '60' }, 'is a number'],
  ])('refuses a tree that the study does not know: %j', (tree, message) => {
    expect(() => compiledCondition({ not: tree }, columnsOf(study))).toThrow(message)
    expect(() => compiledCondition(tree, columnsOf(study))).toThrow(
      expect.objectContaining({ code: 'CONDITION_INVALID', place: { field: 'where', column: tree.column } }),
    )
  })
})
