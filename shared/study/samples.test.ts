import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { requireData } from '../../test/harness/requirement.ts'
import { columnsOf, encodeCell, sizeOfColumn } from '../schema/column.ts'
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
      expect(manifest.plan.queries.map(({ kind }) => kind)).toEqual(['marginals', 'gradient'])
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
const encodeAll = (file: string, rows: readonly string[][], header: readonly string[]) => {
  const columns = columnsOf(sample(file))
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
