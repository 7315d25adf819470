import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveColumns } from '@tributary/shared/study/column-file'
import { columnFileSchema } from '@tributary/shared/study/study-schema'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSource } from './check-source.ts'
import { loadRecords } from './load-records.ts'
import type { RecordsSpec } from './source-pass.ts'
import { shareRange } from './unlikeness.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlike-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const rows = 400
const sites = [{ name: 'north' }, { name: 'east' }]
const source = { format: 'csv', header: true, delimiter: ';', missing: ['NA'], encoding: 'utf-8' } as const
const specOf = (columns: readonly object[]): RecordsSpec => ({
  source: { ...source, missing: [...source.missing] },
  columns: resolveColumns(
    columns.map((column) => columnFileSchema.parse(column)),
    sites,
  ).columns,
  privacy: { unit: 'row', most_rows_per_patient: 1, epsilon: 1, delta: 1e-5 },
})

/** A table of one column, `texts[i]` in row i, that the study describes by `spec`. */
const check = (spec: object, texts: readonly string[]) => {
  const path = join(folder, 'table.csv')
  writeFileSync(path, `x\n${texts.map((text) => `"${text}"`).join('\n')}\n`)
  return checkSource(specOf([{ name: 'x', ...spec }]), { ...source, missing: [...source.missing], path }, 'north')
}
const found = async (spec: object, texts: readonly string[]) =>
  (await check(spec, texts)).problems.map(({ kind, detail, count, blocks }) => `${kind}|${detail}|${count}|${blocks}`)
const kinds = async (spec: object, texts: readonly string[]) =>
  (await check(spec, texts)).problems.map(({ kind }) => kind)

/** About normal, from a public sequence: no randomness, no patients. */
const spread = (mean: number, deviation: number, decimals = 1) =>
  Array.from({ length: rows }, (_, i) => {
    const u = (i + 0.5) / rows
    return (mean + deviation * Math.log(u / (1 - u)) * 0.55).toFixed(decimals)
  })
const clamped = (from: number, to: number, cells: number, more: object = {}) => ({
  kind: 'numeric',
  grid: { from, to, cells, ...(from > 0 ? { scale: 'log' } : {}) },
  outside: 'clamp',
  ...more,
})
const times = (texts: readonly string[], factor: number, offset = 0) =>
  texts.map((text) => (Number(text) * factor + offset).toFixed(2))

describe('units', () => {
  const glucose = spread(110, 25)
  const inMg = clamped(40, 600, 100, { unit: 'mg/dL' })

  it('a table that is like the study has nothing said of it', async () => {
    expect(await kinds(inMg, glucose)).toEqual([])
    expect(await kinds(clamped(2, 35, 100, { unit: 'mmol/L' }), times(glucose, 1 / 18.016))).toEqual([])
    // Counts of which most are 0, ages of children, a laboratory value far from the middle of a wide range.
    expect(
      await kinds(
        { kind: 'numeric', integer: true, bins: [0, 1, 5], maximum: 90 },
        glucose.map((_, i) => String(i % 9 ? 0 : 3)),
      ),
    ).toEqual([])
    expect(
      await kinds(
        { kind: 'numeric', integer: true, bins: [0, 20, 40, 60, 80], maximum: 110 },
        glucose.map((_, i) => String(i % 31)),
      ),
    ).toEqual([])
    expect(await kinds(clamped(0.005, 600, 200, { unit: 'mIU/L', decimals: 3 }), spread(1.6, 0.4))).toEqual([])
  })

  it.each([
    ['glucose in mmol/L', inMg, 1 / 18.016, 0, /glucose in mmol\/l instead of mg\/dl, a factor of 18.016/],
    ['cholesterol in mmol/L', clamped(100, 400, 60, { unit: 'mg/dL' }), 5.2 / 110, 0, /cholesterol in mmol\/l/],
    [
      'creatinine in umol/L',
      clamped(0.2, 12, 60, { unit: 'mg/dL' }),
      90 / 110,
      0,
      /creatinine in umol\/l instead of mg\/dl/,
    ],
    ['fahrenheit for celsius', clamped(33, 43, 40, { unit: '°C' }), 1 / 110, 97.6, /temperature in f instead of °c/],
    ['celsius for fahrenheit', clamped(91, 110, 40, { unit: 'F' }), 1 / 110, 36, /temperature in c instead of f/],
    ['inches for cm', clamped(120, 210, 60, { unit: 'cm' }), 67 / 110, 0, /length in in instead of cm/],
    ['g/dL for g/L', clamped(60, 220, 60, { unit: 'g/L' }), 14 / 110, 0, /mass in a volume in g\/dl/],
    ['kPa for mmHg', clamped(60, 260, 60, { unit: 'mmHg' }), 17 / 110, 0, /pressure in kpa/],
  ])('%s stands in the way, and the factor is named', async (_, spec, factor, offset, text) => {
    const texts = offset === 0 ? times(glucose, factor) : times(glucose, factor * 0.5, offset)
    const [first] = await found(spec, texts)
    expect(first).toMatch(/^other unit\|.*\|(more than half|nearly all)\|true$/)
    expect(first).toMatch(text)
    expect((await check(spec, texts)).fits).toBe(false)
  })

  it('bins that reach from 0 hide a unit, its declared unit gives it away; without one nothing is guessed', async () => {
    const bins = { kind: 'numeric', bins: [0, 1, 100, 160, 200, 240, 300], maximum: 700, outside: 'clamp' }
    const local = spread(5.2, 0.8)
    expect((await found({ ...bins, unit: 'mg/dL' }, local))[0]).toMatch(
      /^other unit\|.*cholesterol in mmol\/l.*\|false$/,
    )
    expect(await kinds(bins, local)).toEqual(['nearly constant'])
    const weight = { kind: 'numeric', bins: [30, 50, 60, 70, 80, 90, 110], maximum: 300, unit: 'kg', outside: 'clamp' }
    expect((await found(weight, spread(160, 20)))[0]).toMatch(/^other unit\|.*weight in lb instead of kg.*\|false$/)
    expect(await kinds(weight, spread(74, 12))).toEqual([])
  })

  it('a unit that nobody knows, and values that no factor explains', async () => {
    expect((await found(clamped(40, 600, 100, { unit: 'crowns' }), times(glucose, 0.0007)))[0]).toMatch(
      /^outside the range\|.*true$/,
    )
    const some = glucose.map((text, i) => (i % 3 === 0 ? '5000' : text))
    expect((await found(inMg, some))[0]).toMatch(/^one value outside\|.*source.missing\|20 to 50 %\|false$/)
    const high = glucose.map((text, i) => (i % 3 === 0 ? String(5000 + i) : text))
    expect((await found(inMg, high))[0]).toMatch(/^outside the range\|.*\|20 to 50 %\|false$/)
  })

  it('a decimal comma', async () => {
    const problems = await found(
      inMg,
      glucose.map((text) => text.replace('.', ',')),
    )
    expect(problems[0]).toMatch(/^written otherwise\|.*a decimal comma instead of a point\|nearly all\|false$/)
    expect(problems[1]).toMatch(/^not a number\|/)
  })
})

describe('codes', () => {
  const codes = ['E11.9', 'I10', 'J45.0', 'M54.5']
  const table = (write: (code: string) => string) => Array.from({ length: rows }, (_, i) => write(codes[i % 4]!))

  it.each([
    [(code: string) => code.toLowerCase(), 'capital and small letters differ'],
    [(code: string) => ` ${code} `, 'blanks'],
    [(code: string) => code.replace('.', ''), 'dots, dashes'],
  ])('%s', async (write, text) => {
    const problems = await found({ kind: 'categorical', levels: codes }, table(write))
    expect(problems[0]).toMatch(/^written otherwise\|/)
    expect(problems[0]).toContain(text)
    expect(problems.at(-1)).toMatch(/^unlisted text\|.*\|true$/)
  })

  it('numbers with a .0 or leading zeros', async () => {
    const problems = await found(
      { kind: 'categorical', levels: ['1', '2', '3'] },
      table((code) => `0${(code.length % 3) + 1}.0`),
    )
    expect(problems[0]).toMatch(/numeric_text/)
  })

  it('another code system that would all count as other', async () => {
    const spec = { kind: 'categorical', levels: [...codes, 'other'], other: 'other' }
    expect(
      await kinds(
        spec,
        table((code) => code),
      ),
    ).toEqual([])
    expect(
      (
        await found(
          spec,
          table((code) => `icd9:${code.length}`),
        )
      )[0],
    ).toMatch(/^other codes\|.*\|nearly all\|true$/)
    const quarter = table((code) => (code === 'I10' ? '401.9' : code))
    expect((await found(spec, quarter))[0]).toMatch(/^other codes\|.*\|20 to 50 %\|false$/)
  })

  it('hardly filled and constant columns, and too few rows to say anything', async () => {
    const spec = { kind: 'categorical', levels: codes, missing: 'level' }
    const empty = table((code) => code).map((code, i) => (i < 5 ? code : 'NA'))
    expect(await found(spec, empty)).toEqual([expect.stringMatching(/^nearly all missing\|.*\|nearly all\|false$/)])
    expect(
      await kinds(
        spec,
        table(() => 'I10'),
      ),
    ).toEqual(['nearly constant'])
    expect(await kinds(spec, table(() => 'I10').slice(0, 49))).toEqual([])
  })
})

describe('dates', () => {
  const spec = { kind: 'date', from: '2020-01-01', to: '2021-12-31', every: 'month', outside: 'clamp' }
  const dates = Array.from({ length: rows }, (_, i) =>
    new Date(Date.UTC(2020, 0, 1 + ((i * 7) % 700))).toISOString().slice(0, 10),
  )
  const [year, month, day] = [0, 5, 8]
  const part = (text: string, at: number) => text.slice(at, at + (at === year ? 4 : 2))

  it('day and month swapped, where that leaves no dates and where it leaves other dates', async () => {
    expect(await kinds(spec, dates)).toEqual([])
    const swapped = dates.map((text) => `${part(text, year)}-${part(text, day)}-${part(text, month)}`)
    const problems = await found(spec, swapped)
    expect(problems[0]).toMatch(/^day and month swapped\|.*\|more than half\|true$/)
    expect(problems.at(-1)).toMatch(/^not a date\|no date like 2024-02-29\|/)
    const survivors = swapped.filter((text) => Number(part(text, month)) <= 12 && Number(part(text, day)) <= 12)
    expect(await found(spec, survivors)).toEqual([
      expect.stringMatching(/^day and month swapped\|.*no day is above 12\|/),
    ])
    expect(
      await kinds(
        spec,
        dates.map((text) => `${text.slice(0, 8)}01`),
      ),
    ).toEqual([])
  })

  it('day first', async () => {
    const texts = dates.map((text) => `${part(text, day)}.${part(text, month)}.${part(text, year)}`)
    expect((await found(spec, texts))[0]).toMatch(/^written otherwise\|.*day or month first/)
  })
})

describe('a site column', () => {
  const columns = [
    { name: 'hospital', kind: 'site' },
    { name: 'x', kind: 'categorical', levels: ['a', 'b'] },
  ]
  it('is in nobody’s table: each hospital has its own code in every row', async () => {
    const path = join(folder, 'table.csv')
    writeFileSync(path, 'x\na\nb\nb\n')
    const file = { ...source, missing: [...source.missing], path }
    expect((await checkSource(specOf(columns), file, 'east')).fits).toBe(true)
    for (const [site, code] of [
      ['north', 0],
      ['east', 1],
    ] as const) {
      const { records } = await loadRecords({ ...specOf(columns), site }, file)
      expect([...records.codes]).toEqual([code, 0, code, 1, code, 1])
    }
    for (const site of [undefined, 'west'])
      await expect(loadRecords({ ...specOf(columns), ...(site && { site }) }, file)).rejects.toThrow(
        /not among the levels/,
      )
  })
})

it('nothing that the check says holds a value of a row, a level’s count, or a number that only rows have', async () => {
  const planted = ['4711.75', '-98231', 'Zoppot', 'zoppot', '1931-13-04', '31.12.1931', '48,125']
  const texts = Array.from({ length: rows }, (_, i) => planted[i % planted.length]!)
  for (const spec of [
    clamped(1, 60, 30, { unit: 'mg/dL' }),
    { kind: 'categorical', levels: ['ZOPPOT', 'other'], other: 'other' },
    { kind: 'categorical', levels: ['ZOPPOT'] },
    { kind: 'date', from: '1930-01-01', to: '1932-01-01', every: 'day' },
  ]) {
    const said = JSON.stringify(await check(spec, texts))
    expect(said.length).toBeGreaterThan(100)
    for (const text of planted) expect(said.toLowerCase()).not.toContain(text.toLowerCase())
    for (const digits of ['4711', '98231', '1931', '48125', '57', '171', '343', '400'])
      expect(said).not.toContain(digits)
  }
})

it('shares are told in six steps', () => {
  expect([0.001, 0.02, 0.1, 0.3, 0.6, 0.99].map((share) => shareRange(share, 1))).toEqual([
    'under 1 %',
    '1 to 5 %',
    '5 to 20 %',
    '20 to 50 %',
    'more than half',
    'nearly all',
  ])
})
