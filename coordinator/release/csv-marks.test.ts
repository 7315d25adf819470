import { markColumn } from '@tributary/shared/synthetic-mark'
import { fc, test as property } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { CsvMarks } from './csv-marks.ts'

const id = 'rel-1'
const problemOf = (text: string, rows: number, chunk = text.length): string | null => {
  const marks = new CsvMarks(id)
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunk) marks.push(bytes.subarray(at, at + chunk))
  return marks.problem(rows)
}
const header = `a,${markColumn}\n`

it('csv marks: a marked file is in order, in whatever pieces it comes', () => {
  const text = `${header}"x\n""y"",",${id}\n2,${id}\n`
  for (let chunk = 1; chunk <= text.length; chunk++) expect(problemOf(text, 2, chunk)).toBeNull()
})

it('csv marks: header, rows, end and count are each looked at', () => {
  expect(problemOf('', 0)).toMatch(/header/)
  expect(problemOf(`a\n2,${id}\n`, 1)).toMatch(/header/)
  expect(problemOf(`my${markColumn}\n2,${id}\n`, 1)).toMatch(/header/)
  expect(problemOf(`${header}2,${id}\n3\n4,${id}x\n5,x${id}\n`, 4)).toMatch(/^3 rows/)
  expect(problemOf(`${header}2,"x\n,${id}\n`, 1)).toMatch(/cut short/)
  expect(problemOf(`${header}2,${id}\n3,${id}`, 2)).toMatch(/cut short/)
  expect(problemOf(`${header}2,${id}\n`, 2)).toMatch(/^1 rows where the release says 2/)
})

const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', 'é', id), maxLength: 5 })
property.prop([fc.array(cell, { minLength: 1, maxLength: 9 }), fc.nat(8), fc.integer({ min: 1, max: 40 })], {
  numRuns: 100,
})(
  'csv marks: one row without its mark is found wherever it stands and whatever its cells hold',
  (cells, at, chunk) => {
    const unmarked = at % cells.length
    const rows = cells.map((text) => `"${text.replaceAll('"', '""')}"`)
    const text = (skip: number) => header + rows.map((row, i) => `${row},${i === skip ? '' : id}\n`).join('')
    expect(problemOf(text(-1), cells.length, chunk)).toBeNull()
    expect(problemOf(text(unmarked), cells.length, chunk)).toMatch(/^1 rows do not end/)
  },
)
