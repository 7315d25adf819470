import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { CodedError } from '@tributary/shared/errors'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RejectedLine } from './csv-scan.ts'
import { openTable, type SourceDescription } from './open-table.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'table-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const source = (content: string | Uint8Array, overrides: Partial<SourceDescription> = {}): SourceDescription => {
  const path = join(folder, 'patients.csv')
  writeFileSync(path, content)
  return { path, format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8', ...overrides }
}

const read = async (
  description: SourceDescription,
  columns: readonly string[],
): Promise<{ rows: (string | null)[][]; rejected: readonly RejectedLine[] }> => {
  const table = openTable(description, columns)
  const rows: (string | null)[][] = []
  for await (const batch of table) {
    for (let row = 0; row < batch.rows; row++) rows.push(columns.map((_, column) => batch.column(column)[row]!))
  }
  return { rows, rejected: table.rejected() }
}

const fails = async (description: SourceDescription, columns = ['a', 'b']) => {
  const error = await read(description, columns).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CodedError)
  const { code, message, place } = error as CodedError
  return { code, message, ...place }
}

test('table: columns are picked by name, in the order asked for, as text; empty fields are null', async () => {
  const { rows, rejected } = await read(source('a,b,c\n1.0,007,x\n,"",y\n" s ","q, ""r""",z\n'), ['b', 'a'])
  expect(rows).toEqual([
    ['007', '1.0'],
    [null, null],
    ['q, "r"', ' s '],
  ])
  expect(rejected).toEqual([])
})

test('table: gzip is known by its bytes, and a byte order mark, CRLF and quoted line ends are read through', async () => {
  const text = '\ufeffa,b\r\n1,"x\r\ny"\r\n2,z\r\n'
  const expected = [
    ['1', 'x\r\ny'],
    ['2', 'z'],
  ]
  expect((await read(source(text), ['a', 'b'])).rows).toEqual(expected)
  expect((await read(source(gzipSync(text)), ['a', 'b'])).rows).toEqual(expected)
})

test('table: without a header the names come from the source block, and the first line is a row', async () => {
  const { rows } = await read(source('1;2\n3;4\n', { header: false, delimiter: ';', columns: ['a', 'b'] }), ['b'])
  expect(rows).toEqual([['2'], ['4']])
  expect(await fails(source('1,2\n', { header: false }))).toMatchObject({ code: 'CONFIG_INVALID' })
  const two = { header: false, columns: ['a', 'z'] }
  expect(await fails(source('1,2\n', two))).toMatchObject({ code: 'TABLE_INVALID', column: 'b' })
})

test('table: a table of a header alone has no rows; an empty file is refused', async () => {
  expect((await read(source('a,b\n'), ['a'])).rows).toEqual([])
  expect(await fails(source(''))).toEqual({ code: 'TABLE_INVALID', message: 'the file is empty', file: 'patients.csv' })
  expect(await fails(source(gzipSync('')))).toMatchObject({ message: 'the file is empty' })
})

test('table: ragged lines are left out and named by line and kind', async () => {
  const { rows, rejected } = await read(source('a,b,c\n1,2,3\n4\n5,6,7,8\n"x"y,1,2\n9,9,9\n'), ['a', 'b'])
  expect(rows).toEqual([
    ['1', '2'],
    ['9', '9'],
  ])
  expect(rejected).toEqual([
    { line: 3, column: 'b', fault: 'too few fields' },
    { line: 4, fault: 'too many fields' },
    { line: 5, column: 'a', fault: 'quoting' },
  ])
})

test('table: other encodings are named; a bad byte outside the columns asked for is not even looked at', async () => {
  expect(await fails(source(Buffer.from('\ufeffa,b\n1,2\n', 'utf16le')))).toMatchObject({ message: /^UTF-16/ as never })
  expect(await fails(source(Buffer.from('a,b\n1,2\n', 'utf16le')))).toMatchObject({
    message: 'UTF-16 text; save the file as UTF-8',
  })
  const cp1252 = Buffer.from('a,b,c\n1,caf\xe9,2\n3,4,5\n', 'latin1')
  const { rows, rejected } = await read(source(cp1252), ['a', 'b'])
  expect(rows).toEqual([['3', '4']])
  expect(rejected).toEqual([{ line: 2, column: 'b', fault: 'encoding' }])
  expect((await read(source(cp1252), ['a', 'c'])).rows).toEqual([
    ['1', '2'],
    ['3', '5'],
  ])
})

test('table: a missing or repeated column is named if it was asked for; others may repeat', async () => {
  expect(await fails(source('a,c\n1,2\n'))).toEqual({
    code: 'TABLE_INVALID',
    message: 'no column has this name',
    file: 'patients.csv',
    line: 1,
    column: 'b',
  })
  expect(await fails(source('a,b,b\n1,2,3\n'))).toMatchObject({ message: 'two columns have this name', column: 'b' })
  expect((await read(source('a,z,z,b\n1,2,3,4\n'), ['a', 'b'])).rows).toEqual([['1', '4']])
})

test('table: no file, a folder, a path that is a pattern', async () => {
  const there = source('a,b\n1,2\n')
  expect(await fails({ ...there, path: join(folder, 'none.csv') })).toMatchObject({ code: 'SOURCE_MISSING' })
  expect(await fails({ ...there, path: folder })).toMatchObject({ code: 'CONFIG_INVALID' })
  writeFileSync(join(folder, 'p*.csv'), 'a,b\n1,2\n')
  expect(await fails({ ...there, path: join(folder, 'p*.csv') })).toMatchObject({ code: 'CONFIG_INVALID' })
})

test('table: a gzip file cut short or damaged is refused, not read as a shorter table', async () => {
  const whole = gzipSync(`a,b\n${'1,2\n'.repeat(50_000)}`)
  expect(await fails(source(whole.subarray(0, whole.length - 9)))).toMatchObject({
    code: 'TABLE_INVALID',
    message: /gzip/ as never,
  })
  whole[whole.length - 6]! ^= 1
  expect(await fails(source(whole))).toMatchObject({ code: 'TABLE_INVALID' })
})

test('table: a pass that is left early closes, and the next one starts again', async () => {
  const table = openTable(source(`a,b\n${'1,2\n'.repeat(10_000)}`), ['a'])
  for await (const batch of table) {
    expect(batch.rows).toBeGreaterThan(0)
    break
  }
  expect(() => table.rejected()).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  let rows = 0
  for await (const batch of table) rows += batch.rows
  expect(rows).toBe(10_000)
})

const secret = 'Perpetua-Quillfeather'

test('R10 table: a value of a row never shows in an error, its place, its causes, a batch or on the terminal', async () => {
  const shown: unknown[] = []
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      shown.push(String(chunk))
      return true
    })
  }
  const files: [string | Uint8Array, Partial<SourceDescription>?][] = [
    [`a,b\n${secret}\n`],
    [`a,b\n${secret},1,2,${secret}\n1,2\n`],
    [`a,b\n"${secret},1\n2,3\n`],
    [`a,b\n"${secret}"x,1\n2,3\n`],
    [`a,b\r\n${secret},1\n2,${secret}\r\n`],
    [`a,b\n${secret.repeat(200_000)},1\n`],
    [Buffer.from(`a,b\n${secret}\xe9,1\n`, 'latin1')],
    [Buffer.from(`${secret},${secret}\n1,2\n`, 'utf16le')],
    [`${secret},${secret}\n1,2\n`],
    [`"${secret}`],
    [`${secret}\0\n1,2\n`],
    [`${secret},1\n`, { header: false }],
    [`${secret},1\n`, { header: false, columns: ['a'] }],
    [`${secret},1\n`, { header: false, columns: ['a', 'b', 'c'] }],
    [gzipSync(`a,b\n${`${secret},1\n`.repeat(3000)}`).subarray(0, 60)],
    [Buffer.concat([gzipSync(`a,b\n${secret},1\n`), Buffer.from(secret)])],
  ]
  for (const [content, overrides] of files) {
    const table = openTable(source(content, overrides), ['a', 'b'])
    try {
      for await (const batch of table) shown.push(batch, JSON.stringify(batch))
      shown.push(table.rejected())
    } catch (error) {
      shown.push(error, (error as Error).stack, String(error), JSON.stringify(error))
    }
  }
  vi.restoreAllMocks()
  const text = inspect(shown, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null })
  expect(text).toContain('TABLE_INVALID')
  expect(text).toContain('too few fields')
  expect(text).not.toContain(secret.slice(0, 8))
})

const field = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r', "'", '0'), maxLength: 6 })
property.prop([fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 8 }), fc.boolean()], { numRuns: 25 })(
  'table: whatever RFC 4180 text is written comes back, zipped or not',
  async (written, isZipped) => {
    const text = `a,b\n${written.map((row) => row.map((f) => `"${f.replaceAll('"', '""')}"`).join(',')).join('\n')}\n`
    const { rows, rejected } = await read(source(isZipped ? gzipSync(text) : text), ['a', 'b'])
    expect(rejected).toEqual([])
    expect(rows).toEqual(written.map((row) => row.map((f) => (f === '' ? null : f))))
  },
)
