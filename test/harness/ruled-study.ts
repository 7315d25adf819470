import type { Generator } from '@tributary/shared/generator/generator'
import { type Column, columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import { columnSchema, sourceSchema } from '@tributary/shared/study/study-schema'
import { autoregressiveGenerator } from '@tributary/shared/synthesizers/autoregressive/generator'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import type { ColumnCells } from '@tributary/shared/synthesizers/cell-condition'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { ganGenerator } from '@tributary/shared/synthesizers/gan/generator'
import { mixtureGenerator } from '@tributary/shared/synthesizers/mixture/generator'

/** Days 2020-01-01, 2020-04-01, 2020-12-01; the last is the end of 2021. */
const dates = { bins: [18262, 18353, 18597], maximum: 18992, every: 'month', outside: 'refuse' }

/** A column of every kind, some missing: what rules are tried on. */
export const ruledColumns = [
  { name: 'sex', kind: 'categorical', levels: ['f', 'm'] },
  { name: 'onset', kind: 'numeric', integer: true, bins: [0, 10, 30, 55], maximum: 80, missing: 'level' },
  { name: 'age', kind: 'numeric', integer: true, bins: [0, 18, 40, 65], maximum: 90 },
  { name: 'pregnant', kind: 'categorical', levels: ['no', 'yes', 'unknown'], missing: 'level' },
  { name: 'low', kind: 'numeric', bins: [0, 5, 5.25, 8], maximum: 10, unit: 'mg/dL' },
  { name: 'high', kind: 'numeric', bins: [0, 2.5, 9], maximum: 10, unit: 'mg/dL', missing: 'level' },
  { name: 'admitted', kind: 'date', ...dates, missing: 'refuse' },
  { name: 'discharged', kind: 'date', ...dates, missing: 'level' },
  { name: 'grade', kind: 'categorical', levels: ['1', '2', '30'], numeric_text: true },
  { name: 'before', kind: 'categorical', levels: ['0', 'I', 'II', 'III'], ordered: true },
  { name: 'after', kind: 'categorical', levels: ['0', 'I', 'II'], ordered: true, missing: 'level' },
].map((spec) => columnSchema.parse(spec))

export const ruledSource = sourceSchema.parse({ format: 'csv', missing: ['?'] })

/** Rules that some rows of `ruledColumns` keep, one by one; together most sets of them, too. */
export const ruleTexts = [
  'onset <= age',
  'onset < age',
  'low <= high',
  'low < high',
  'admitted <= discharged',
  'discharged > admitted',
  'before <= after',
  'before != after',
  'grade <= low',
  'grade < onset',
  'onset = age',
  'onset != age',
  'IF sex = m THEN pregnant = no',
  'IF pregnant = yes THEN age BETWEEN 12 AND 55',
  'NEVER (age < 18 AND grade = 30)',
  'NEVER (sex = m AND pregnant = yes)',
  'NEVER discharged IS MISSING',
  'IF onset IS MISSING THEN before = "0"',
  'IF pregnant = yes THEN onset <= age',
  'onset <= age OR low <= high',
  'NOT (low > high) OR sex = f',
  'age >= 16.5',
  'admitted >= 2020-02-15',
  'IF admitted > 2021-06-01 THEN grade IN (1, 2)',
  'IF sex = f THEN low < 7.31',
  '1 <= low <= high',
  'low != high',
  'after = before',
  'NEVER onset IS MISSING',
  'NEVER (high IS MISSING OR after IS MISSING)',
]

export const conditionTexts = [
  'age >= 37',
  'sex = m AND onset > 12',
  'low BETWEEN 4.91 AND 5.1',
  'onset IS MISSING OR high < 3.3',
  'discharged < 2020-06-20',
  'age BETWEEN 17 AND 19 AND onset < 19',
  'NOT (grade = 1)',
]

/** What a column's levels are modelled as: neighbours in groups of two. */
const paired = (column: Column, random: () => number): ColumnCells => {
  const size = sizeOfColumn(column)
  const parent = Uint16Array.from({ length: size }, (_, level) => level >> 1)
  const raw = Float64Array.from({ length: size }, () => 0.2 + random())
  const sums = new Float64Array(size)
  raw.forEach((share, level) => (sums[parent[level]!]! += share))
  return { parent, share: raw.map((share, level) => share / sums[parent[level]!]!) }
}

export const ruledFamilies = ['autoregressive', 'mixture', 'gan'] as const

/** A generator of a family with random numbers for what it would have learned; every third column's levels are in groups. */
export const randomGenerator = (
  family: (typeof ruledFamilies)[number],
  columns: readonly Column[],
  seed: number,
  isRaked = true,
): Generator => {
  const random = counterRandom(seed, 77)
  let drawn = 0
  const next = () => random.uniform(drawn++, 0)
  const levels = columns.map((column, j) => (j % 3 === 2 ? paired(column, next) : null))
  const layout = layoutOf(
    columns.map((column, j) => (levels[j] === null ? sizeOfColumn(column) : Math.max(...levels[j]!.parent) + 1)),
  )
  const simplex = (count: number) =>
    Array.from({ length: count }, () =>
      layout.sizes.flatMap((size) => {
        const raw = Array.from({ length: size }, () => next() ** 3 + 1e-3)
        const total = raw.reduce((a, b) => a + b, 0)
        return raw.map((value) => value / total)
      }),
    ).flat()
  const marginals = isRaked ? Float64Array.from(simplex(1)) : null
  const components = 7
  if (family === 'mixture')
    return {
      ...mixtureGenerator({
        layout,
        components,
        probabilities: Float32Array.from(simplex(components)),
        marginals: marginals ?? Float64Array.from(simplex(1)),
        levels,
        law: null,
      }),
      marginals,
    }
  if (family === 'gan')
    return ganGenerator({
      layout,
      shares: Float32Array.from(simplex(components)),
      weights: Float64Array.from({ length: components }, () => 0.1 + next()),
      marginals,
      levels,
    })
  const network = networkOf(layout, { ...defaultSettings, hidden: 12 })
  const params = Float32Array.from({ length: network.dimension }, (_, i) => 0.7 * random.normal(i, 1))
  return autoregressiveGenerator({ network, params, marginals, levels })
}

export const ruledStudy = (constraints: string[]) => ({ columns: ruledColumns, source: ruledSource, constraints })
export const columnsOfRuled = columnsOf({ columns: ruledColumns, source: ruledSource })
