import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { requireData } from '../../test/harness/requirement.ts'
import type { SourceDescription } from '../table/open-table.ts'
import { checkSource } from './check-source.ts'
import { EncodedRecords, groupByPatient } from './encoded-records.ts'
import { GrowingArray } from './growing-array.ts'
import { loadRecords } from './load-records.ts'
import { countRange } from './problem.ts'
import type { RecordsSpec } from './source-pass.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'records-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const plain = { format: 'csv', header: true, delimiter: ',', missing: ['?'], encoding: 'utf-8' } as const
const spec = (privacy: Partial<RecordsSpec['privacy']> = {}): RecordsSpec => ({
  source: { ...plain, missing: [...plain.missing] },
  columns: [
    {
      name: 'sex',
      kind: 'categorical',
      levels: ['F', 'M'],
      ordered: false,
      numeric_text: false,
      missing: 'refuse',
      other: 'refuse',
    },
    {
      name: 'days',
      kind: 'numeric',
      bins: [0, 10, 20],
      maximum: 30,
      integer: true,
      missing: 'level',
      outside: 'refuse',
    },
  ],
  privacy: { unit: 'patient', patient_key: 'who', epsilon: 1, delta: 1e-5, ...privacy },
})
const source = (content: string): SourceDescription => {
  const path = join(folder, 'visits.csv')
  writeFileSync(path, content)
  return { ...plain, missing: [...plain.missing], path }
}
const unitsOf = (records: EncodedRecords): number[][] => {
  const { columns, codes, unitStart } = records
  return Array.from({ length: records.units }, (_, unit) => {
    const [from, to] = unitStart === null ? [unit, unit + 1] : [unitStart[unit]!, unitStart[unit + 1]!]
    return [...codes.subarray(from * columns, to * columns)]
  })
}
const kinds = (problems: readonly { kind: string; column?: string; count: string }[]) =>
  problems.map(({ kind, column, count }) => [kind, column, count])

test('records: a patient’s scattered rows lie together, in file order, patients by first appearance', async () => {
  const file = source('who,days,sex,name\np2,3,F,x\np1,11,M,x\np2,29,M,x\np3,?,F,x\np1,,M,x\n')
  const { records, problems } = await loadRecords(spec(), file)
  expect(unitsOf(records)).toEqual([
    [0, 0, 1, 2],
    [1, 1, 1, 3],
    [0, 3],
  ])
  expect(problems).toEqual([])
})

test('R19 records: rows without a patient key block approval and are left out afterwards', async () => {
  const file = source('who,days,sex\np1,3,F\n,4,M\n?,5,M\n"  ",6,M\n')
  const check = await checkSource(spec(), file)
  expect(check.fits).toBe(false)
  expect(kinds(check.problems)).toEqual([['no patient key', 'who', '1 to 9']])
  expect(unitsOf((await loadRecords(spec(), file)).records)).toEqual([[0, 0]])
})

test('R17 records: a patient is one, with one coin, however the key is written', async () => {
  const file = source(
    'who,days,sex\n7,3,F\n007,11,M\n" 7 ",29,M\n7.0,4,F\n-7,5,F\n7a,6,M\n07a,6,M\ne\u0301,3,F\n\u00e9,3,F\n',
  )
  const { records } = await loadRecords(spec(), file)
  expect(unitsOf(records).map((rows) => rows.length / 2)).toEqual([4, 1, 1, 1, 2])
})

test.each([
  ['7,3,F\n7,4,F\n8,3,F\n', []],
  ['007,3,F\n007,4,F\n008,3,F\n', []],
  ['007,3,F\n7,4,F\n7,5,F\n07,5,F\n', ['1 to 9']],
  ['7,3,F\n7.0,4,F\n', ['1 to 9']],
  ['" 7",3,F\n07,4,F\n', ['1 to 9']],
  [Array.from({ length: 11 }, (_, i) => `${i},3,F\n0${i},4,M\n`).join(''), ['10 to 99']],
])('R17 records: keys in several texts are counted by patient, and no obstacle: %j', async (rows, counts) => {
  const file = source(`who,days,sex\n${rows}`)
  const check = await checkSource(spec(), file)
  expect(kinds(check.problems)).toEqual(counts.map((count) => ['key written in several ways', 'who', count]))
  expect(check.fits).toBe(true)
  expect(check.problems[0]?.detail ?? 'two patients must not share a key').toContain(
    'two patients must not share a key',
  )
})

test('R19 records: a text for missing is no key, however it is written', async () => {
  const file = source('who,days,sex\nNA ,3,F\n-99.0,4,M\n-0099,5,M\n99,6,M\n')
  const check = await checkSource(spec(), { ...file, missing: ['NA', '-99'] })
  expect(check.patients).toBe('1 to 9')
  expect(kinds(check.problems)).toEqual([['no patient key', 'who', '1 to 9']])
  const { records } = await loadRecords(spec(), { ...file, missing: ['NA', '-99'] })
  expect(unitsOf(records)).toEqual([[1, 0]])
})

test('R17 records: for unit row a patient has at most the declared rows, first ones first; said, and no obstacle', async () => {
  const file = source('who,days,sex\np1,1,F\np2,1,F\np1,11,F\np1,21,F\np2,11,M\n')
  const rowSpec = spec({ unit: 'row', most_rows_per_patient: 2 })
  const { records, problems } = await loadRecords(rowSpec, file)
  expect(unitsOf(records)).toEqual([
    [0, 0],
    [0, 0],
    [0, 1],
    [1, 1],
  ])
  expect(records.unitStart).toBeNull()
  expect(kinds(problems)).toEqual([['surplus rows', 'who', '1 to 9']])
  expect((await checkSource(rowSpec, file)).fits).toBe(true)
})

test('R10 R19 records: more rows or patients than the study promises of the site are an obstacle of their own kind', async () => {
  const file = source('who,days,sex\np1,3,F\np1,4,M\np2,5,M\n')
  const sites = (patients: number, rows: number) => [
    { name: 'north', promised_patients: patients, promised_rows: rows },
  ]
  const problemsOf = async (patients: number, rows: number) => {
    const check = await checkSource({ ...spec(), sites: sites(patients, rows) }, file, 'north')
    expect(check.fits).toBe(check.problems.length === 0)
    return check.problems.map(({ kind, count, detail }) => [kind, count, detail.split(':')[0]])
  }
  expect(await problemsOf(2, 3)).toEqual([])
  expect(await problemsOf(1, 3)).toEqual([['more than promised', '1 to 9', 'patients']])
  expect(await problemsOf(2, 2)).toEqual([['more than promised', '1 to 9', 'rows']])
  expect(await problemsOf(1, 2)).toEqual([['more than promised', '1 to 9', 'patients and rows']])
})

test('records: without a patient key every row is its own unit', async () => {
  const file = source('days,sex\n1,F\n1,F\n')
  const { privacy, ...rest } = spec({ unit: 'row', most_rows_per_patient: 1 })
  const { patient_key: _, ...keyless } = privacy
  expect(unitsOf((await loadRecords({ ...rest, privacy: keyless }, file)).records)).toEqual([
    [0, 0],
    [0, 0],
  ])
})

test('R10 records: what a column refuses blocks approval by kind, and takes its fallback code afterwards', async () => {
  const file = source('who,days,sex\np1,1,F\np2,x,M\np3,99,X\np4,1.5,F\np5,3,?\np6,4\n')
  const check = await checkSource(spec(), file)
  expect(check).toMatchObject({ fits: false, rows: '1 to 9', patients: '1 to 9' })
  expect(kinds(check.problems)).toEqual([
    ['unlisted text', 'sex', '1 to 9'],
    ['missing value', 'sex', '1 to 9'],
    ['not a number', 'days', '1 to 9'],
    ['outside the bins', 'days', '1 to 9'],
    ['broken line', 'sex', '1 to 9'],
  ])
  expect(check.problems.at(-1)).toMatchObject({ line: 7 })
  const { records } = await loadRecords(spec(), file)
  expect(unitsOf(records)).toEqual([
    [0, 0],
    [1, 3],
    [0, 2],
    [0, 0],
    [0, 0],
  ])
})

test('R10 records: an open quote takes the rows after it along, and line ends of several kinds stop the reading', async () => {
  const open = source('who,days,sex\np1,3,F\n"p2,4,M\np3,5,M\n')
  expect((await checkSource(spec(), open)).fits).toBe(false)
  expect(unitsOf((await loadRecords(spec(), open)).records)).toEqual([[0, 0]])
  const mixed = source('who,days,sex\r\np1,3,F\np2,4,M\r\n')
  await expect(loadRecords(spec(), mixed)).rejects.toMatchObject({ code: 'TABLE_INVALID' })
})

test('records: a table without rows blocks approval but loads as no units', async () => {
  const file = source('who,days,sex\n')
  expect(kinds((await checkSource(spec(), file)).problems)).toEqual([['no rows', undefined, '0']])
  const { records } = await loadRecords(spec(), file)
  expect([records.units, records.rows]).toEqual([0, 0])
})

test('R10 records: neither records nor problems show a value or a count', async () => {
  const secret = 'Quillfeather'
  const file = source(`who,days,sex\n${secret},${secret},${secret}\np2,1,F\n${secret}\n`)
  const { records, problems } = await loadRecords(spec(), file)
  const check = await checkSource(spec(), file)
  const shown = inspect([problems, check], { depth: 20, showHidden: true }) + JSON.stringify([problems, check])
  expect(shown).toContain('unlisted text')
  expect(shown).not.toContain(secret)
  expect([inspect(records), JSON.stringify(records), `${inspect({ records })}`]).toEqual([
    'EncodedRecords(2 columns)',
    '{"kind":"EncodedRecords","columns":2}',
    '{ records: EncodedRecords(2 columns) }',
  ])
})

test('records: units that do not cover the rows are refused', () => {
  const rows = new Uint16Array(6)
  for (const start of [[0, 2], [1, 3], [0, 2, 2, 3], []]) {
    expect(() => new EncodedRecords(2, rows, new Uint32Array(start))).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    )
  }
})

property.prop([
  fc.array(fc.array(fc.nat(60_000), { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
  fc.infiniteStream(fc.nat(1000)),
])('records: grouping keeps every row once, under its patient, in order', (patients, order) => {
  const rows = patients.flatMap((codes, patient) => codes.map((code, i) => ({ patient, code, i })))
  const keyed = rows.map((row) => ({ row, key: order.next().value }))
  // Any interleaving that keeps each patient's own order, renumbered by first appearance.
  const mixed = keyed.sort((a, b) => a.key - b.key || a.row.i - b.row.i).map(({ row }) => row)
  const ordered = mixed.map((row, at) => {
    const own = mixed.filter(({ patient }) => patient === row.patient)
    const nth = mixed.slice(0, at).filter(({ patient }) => patient === row.patient).length
    return [...own].sort((a, b) => a.i - b.i)[nth]!
  })
  const numbers = new Map<number, number>()
  for (const { patient } of ordered) if (!numbers.has(patient)) numbers.set(patient, numbers.size)
  const codes = Uint16Array.from(ordered.map(({ code }) => code))
  const grouped = groupByPatient(codes, Uint32Array.from(ordered.map(({ patient }) => numbers.get(patient)!)), 1)
  expect(unitsOf(grouped)).toEqual([...numbers.keys()].map((patient) => patients[patient]))
})

test('records: growing arrays keep what was appended, across many doublings', () => {
  const array = new GrowingArray((length) => new Uint16Array(length), 1)
  for (let i = 0; i < 1000; i++) array.append(Uint16Array.of(i, i + 1))
  expect(array.length).toBe(2000)
  expect([...array.view().subarray(1996)]).toEqual([998, 999, 999, 1000])
})

test('records: counts are shown as decades', () => {
  expect([0, 1, 9, 10, 99, 100, 81_548].map(countRange)).toEqual([
    '0',
    '1 to 9',
    '1 to 9',
    '10 to 99',
    '10 to 99',
    '100 to 999',
    '10000 to 99999',
  ])
})

const north = requireData('../shared/data/diabetes5/north.csv.gz', 'put diabetes5 under ../shared/data')
north.describe('records: a real hospital', () => {
  test('diabetes5 north loads whole', async () => {
    const real: RecordsSpec = {
      source: { ...plain, missing: [] },
      columns: [
        {
          name: 'readmitted',
          kind: 'categorical',
          levels: ['NO', '<30', '>30'],
          ordered: false,
          numeric_text: false,
          missing: 'refuse',
          other: 'refuse',
        },
      ],
      privacy: { unit: 'patient', patient_key: 'patient_id', epsilon: 1, delta: 1e-5 },
    }
    const { records, problems } = await loadRecords(real, { ...real.source, path: north.path })
    expect(problems).toEqual([])
    expect(records.rows).toBeGreaterThan(records.units)
    expect(records.units).toBeGreaterThan(1000)
  })
})
