import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column } from '@tributary/shared/schema/column'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { afterAll, expect, it } from 'vitest'
import type { CohortBatch } from '../cohort/cohort.ts'
import { ParquetCohort } from './parquet-cohort.ts'
import { ReleaseFile } from './release-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'parquet-'))
afterAll(() => rmSync(folder, { recursive: true }))

const numeric = (name: string, maximum: number, integer: boolean, missing: 'refuse' | 'level'): Column => ({
  name,
  kind: 'numeric',
  bins: [0],
  maximum,
  integer,
  missing,
  outside: 'refuse',
  missingTexts: [],
})
const columns: Column[] = [
  numeric('whole', 2 ** 31 - 1, true, 'refuse'),
  numeric('wide', 2 ** 31, true, 'refuse'),
  numeric('rare', 9, true, 'level'),
]

/** Row r holds r, r + 2^31 - 1000, and r or nothing. */
const batchOf = (from: number, rows: number): CohortBatch => {
  const value = (row: number, column: number) => {
    const r = from + row
    if (column === 2) return r % 3 === 0 ? null : r % 7
    return column === 0 ? r : 2 ** 31 - 1000 + r
  }
  return { rows, codes: new Uint16Array(rows * 3), value, text: (row, column) => String(value(row, column) ?? '') }
}

const write = async (name: string, rows: number, batch: number): Promise<string> => {
  const path = join(folder, name)
  const file = await ReleaseFile.create(path)
  const parquet = new ParquetCohort(file, columns, { releaseId: 'rel-1', generator: 'ward', order: 'ab'.repeat(32) })
  for (let from = 0; from < rows; from += batch) await parquet.add(batchOf(from, Math.min(batch, rows - from)))
  await parquet.finish()
  await file.finish()
  return path
}

it('parquet: bytes are the same in whatever batches the rows come; groups are bounded', async () => {
  const rows = 140_000
  const one = readFileSync(await write('one', rows, 32_768))
  expect(readFileSync(await write('two', rows, 50_001)).equals(one)).toBe(true)
  expect(readFileSync(await write('three', rows, rows)).equals(one)).toBe(true)
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(join(folder, 'one')))
  expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([131_072, 8_928])
  const all = await parquetReadObjects({
    file: await asyncBufferFromFile(join(folder, 'one')),
    rowStart: 131_070,
    rowEnd: 131_075,
  })
  expect(all).toEqual(
    [131_070, 131_071, 131_072, 131_073, 131_074].map((r) => ({
      whole: r,
      wide: 2 ** 31 - 1000 + r,
      rare: r % 3 === 0 ? null : r % 7,
      [markColumn]: 'rel-1',
    })),
  )
})

it('parquet: whole numbers are INT32 as far as they fit, DOUBLE beyond; optional only where a value may be missing', async () => {
  const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(await write('types', 5, 5)))
  expect(schema.slice(1).map(({ name, type, repetition_type }) => [name, type, repetition_type])).toEqual([
    ['whole', 'INT32', 'REQUIRED'],
    ['wide', 'DOUBLE', 'REQUIRED'],
    ['rare', 'INT32', 'OPTIONAL'],
    [markColumn, 'BYTE_ARRAY', 'REQUIRED'],
  ])
})
