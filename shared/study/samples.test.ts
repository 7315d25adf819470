import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { requireData } from '../../test/harness/requirement.ts'
import { columnsOf, encodeCell, sizeOfColumn } from '../schema/column.ts'
import type { Manifest } from './study-schema.ts'
import { promisedUnits } from './federation.ts'
import { freezeStudy, parseManifest, parseStudy } from './manifest.ts'

const folder = new URL('../../deploy/samples/studies/', import.meta.url)
const sample = (file: string) => parseManifest(readFileSync(new URL(file, folder), 'utf8'), file)

describe('samples', () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith('.yaml')))(
    '%s has, or gets, a plan that may run',
    (file) => {
      const { draft } = parseStudy(readFileSync(new URL(file, folder), 'utf8'), file)
      const manifest = draft.plan ? sample(file) : freezeStudy(draft)
      const second = { autoregressive: 'gradient', mixture: 'pairs', gan: 'gradient' }[manifest.family.name]
      expect(manifest.plan.queries.map(({ kind }) => kind)).toEqual(['marginals', second])
    },
  )

  it('protect the patient by default where there is a key, and rows only where they say so', () => {
    const unitOf = (file: string) => sample(file).privacy.unit
    expect(readFileSync(new URL('diabetes5-patient.yaml', folder), 'utf8')).not.toMatch(/^ +unit:/m)
    expect(['diabetes5-patient.yaml', 'diabetes5-row.yaml', 'heart4.yaml'].map(unitOf)).toEqual([
      'patient',
      'row',
      'row',
    ])
  })

  it('the three studies of real data ship frozen', () => {
    for (const file of ['diabetes5-row.yaml', 'diabetes5-patient.yaml', 'heart4.yaml'])
      expect(readFileSync(new URL(file, folder), 'utf8')).toMatch(/^plan:$/m)
  })
})

/** Rows of plain CSV text without quotes, as the real files are. */
const rowsOf = (text: string) =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split(','))

/** The file's cells under a sample's columns: refused cells, and the codes seen in each column. */
const encodeAll = (
  file: string,
  rows: readonly string[][],
  header: readonly string[],
  study: Pick<Manifest, 'columns' | 'source'> = sample(file),
) => {
  const columns = columnsOf(study).filter((column) => column.kind !== 'categorical' || column.filled_with === undefined)
  const seen = columns.map(() => new Set<number>())
  let refused = 0
  columns.forEach((column, c) => {
    const at = header.indexOf(column.name)
    for (const row of rows) {
      const code = encodeCell(column, row[at] ?? null)
      if (code < 0) refused++
      else seen[c]?.add(code)
    }
  })
  return { refused, seen: seen.map(({ size }) => size), sizes: columns.map(sizeOfColumn) }
}

const heart = requireData('../shared/data/heart4', 'put heart4 under ../shared/data')
heart.describe('the four heart clinics', () => {
  it('every cell of every clinic has a code, whatever it writes for 1 and for missing', () => {
    const header = sample('heart4.yaml').source.columns ?? []
    const rows = ['cleveland', 'hungarian', 'switzerland', 'va'].flatMap((name) =>
      rowsOf(readFileSync(join(heart.path, `processed.${name}.data`), 'utf8')),
    )
    expect(rows).toHaveLength(920)
    const { refused, seen, sizes } = encodeAll('heart4.yaml', rows, header)
    expect(refused).toBe(0)
    // Every level occurs somewhere, but for cholesterol of 1 to 99 where few are.
    expect(seen.map((n, c) => sizes[c]! - n).filter((unused) => unused > 1)).toEqual([])
  })
})

const diabetes = requireData('../shared/data/diabetes5', 'put diabetes5 under ../shared/data')
diabetes.describe('the five diabetes hospitals', () => {
  it('promise no more than they have, and every cell of the smallest has a code', () => {
    for (const file of ['diabetes5-row.yaml', 'diabetes5-patient.yaml']) {
      const { sites } = sample(file)
      for (const { name, promised_patients: patients, promised_rows: promised } of sites) {
        const [header = [], ...rows] = rowsOf(
          gunzipSync(readFileSync(join(diabetes.path, `${name}.csv.gz`))).toString(),
        )
        expect(promised).toBeLessThanOrEqual(rows.length)
        expect(patients).toBeLessThanOrEqual(new Set(rows.map((row) => row[0])).size)
        if (name === 'valley') expect(encodeAll(file, rows, header).refused).toBe(0)
      }
    }
    expect(promisedUnits(sample('diabetes5-row.yaml'))).toBe(81_200)
  })
})

const draftOf = (file: string) => parseStudy(readFileSync(new URL(file, folder), 'utf8'), file).draft
const lines = (text: string, delimiter: string) =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split(delimiter))

const thyroid = requireData('../shared/data/thyroid', 'put thyroid under ../shared/data')
thyroid.describe('the thyroid clinic', () => {
  it('every cell has a code, absurd ages and rare diagnoses too; promises cover what each source has', () => {
    const study = draftOf('thyroid.yaml')
    const header = study.source.columns!
    const rows = lines(readFileSync(join(thyroid.path, 'thyroid0387.data'), 'utf8'), '\t')
    expect(rows).toHaveLength(9172)
    const { refused, seen, sizes } = encodeAll('thyroid.yaml', rows, header, study)
    expect(refused).toBe(0)
    expect(sizes.reduce((a, b) => a + b, 0)).toBeGreaterThan(1000)
    expect(seen[0]).toBeGreaterThan(18)
    const bySource = Map.groupBy(rows, (row) => row[header.indexOf('referral_source')]!.toLowerCase())
    for (const { name, promised_rows } of study.sites)
      expect(bySource.get(name)!.length).toBeLessThanOrEqual(promised_rows)
  })
})

const covid = requireData('../shared/data/medicaldata', 'put medicaldata under ../shared/data')
covid.describe('the covid tests', () => {
  it('every cell has a code, and no name of a person is modelled', () => {
    const study = draftOf('covid-testing.yaml')
    const [header = [], ...rows] = lines(readFileSync(join(covid.path, 'covid_testing.csv'), 'utf8'), ',')
    expect(rows).toHaveLength(15_524)
    expect(encodeAll('covid-testing.yaml', rows, header, study).refused).toBe(0)
    expect(study.columns.filter(({ name }) => name.includes('name'))).toEqual([])
    const wardOf = (clinic: string) => ({ 'clinical lab': 0, 'emergency dept': 1 })[clinic] ?? 2
    const at = header.indexOf('clinic_name')
    study.sites.forEach(({ promised_rows, promised_patients }, site) => {
      const own = rows.filter((row) => wardOf(row[at]!) === site)
      expect(own.length).toBeLessThanOrEqual(promised_rows)
      expect(new Set(own.map((row) => row[0])).size).toBeLessThanOrEqual(promised_patients)
    })
  })
})
