import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveColumns } from '@tributary/shared/study/column-file'
import { columnFileSchema } from '@tributary/shared/study/study-schema'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkSource } from './check-source.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rules-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const source = { format: 'csv', header: true, delimiter: ',', missing: ['NA'], encoding: 'utf-8' } as const
const { columns } = resolveColumns(
  [
    { name: 'hospital', kind: 'site' },
    { name: 'sex', kind: 'categorical', levels: ['f', 'm'] },
    { name: 'pregnant', kind: 'categorical', levels: ['no', 'yes'], other: 'no' },
    { name: 'low', kind: 'numeric', bins: [0, 100], maximum: 200, missing: 'level' },
    { name: 'high', kind: 'numeric', bins: [0, 100], maximum: 200, outside: 'clamp' },
    { name: 'came', kind: 'date', from: '2020-01-01', to: '2021-12-31', every: 'year' },
    { name: 'left', kind: 'date', from: '2020-01-01', to: '2021-12-31', every: 'year', missing: 'level' },
  ].map((column) => columnFileSchema.parse(column)),
  [{ name: 'north' }, { name: 'east' }],
)
const constraints = [
  'IF sex = m THEN pregnant = no',
  'low <= high',
  'came <= left',
  'NEVER (hospital = east AND sex = m)',
]

const check = (rows: readonly string[], rules: string[] = constraints, site = 'north') => {
  const path = join(folder, 'table.csv')
  writeFileSync(path, `sex,pregnant,low,high,came,left\n${rows.join('\n')}\n`)
  const study = {
    source: { ...source, missing: [...source.missing] },
    columns,
    privacy: { unit: 'row' as const, most_rows_per_patient: 1, epsilon: 1, delta: 1e-5 },
  }
  return checkSource({ ...study, constraints: rules }, { ...source, missing: [...source.missing], path }, site)
}
const sound = 'f,yes,10.4,10.5,2020-01-31,2020-01-31'
const told = async (rows: readonly string[], site?: string) => {
  const { problems, breaking, fits } = await check(rows, constraints, site)
  const broken = problems.filter(({ kind }) => kind === 'breaks a constraint')
  return { breaking, fits, broken: broken.map(({ detail, count, row }) => [detail.split(': ').at(-1), count, row]) }
}

it('counts own rows that break a rule, inside a bin too, and leaves them be', async () => {
  expect(await told([sound, 'm,yes,10.5,10.4,2020-02-01,2020-01-31', 'f,no,150,149.9,2020-01-01,2021-01-01'])).toEqual({
    breaking: '1 to 9',
    fits: true,
    broken: [
      ['IF sex = m THEN pregnant = no', '1 to 9', 2],
      ['low <= high', '1 to 9', 2],
      ['came <= left', '1 to 9', 2],
    ],
  })
})

it('says nothing where all are kept, missing values and what counts as another level included', async () => {
  expect(await told([sound, 'm,maybe,NA,1,2020-02-01,'])).toEqual({ breaking: '0', fits: true, broken: [] })
})

it('takes a number as it is written, not as it is counted', async () => {
  expect((await told(['f,no,190,150,2020-01-01,NA', 'f,no,190,900,2020-01-01,NA'])).broken).toEqual([
    ['low <= high', '1 to 9', 1],
  ])
})

it('knows which hospital it is', async () => {
  expect((await told(['m,no,1,1,2020-01-01,NA'], 'east')).broken).toEqual([
    ['NEVER (hospital = east AND sex = m)', '1 to 9', 1],
  ])
})

it('says nothing of a study without constraints', async () => {
  expect(Object.keys(await check([sound], []))).not.toContain('breaking')
})
