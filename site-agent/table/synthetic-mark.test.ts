import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { CodedError, exitCode } from '@tributary/shared/errors'
import { attestationType, digitalSourceType, markColumn } from '@tributary/shared/synthetic-mark'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addSourceCommands } from '../cli/source-commands.ts'
import { openTable } from './open-table.ts'
import { refuseMarked } from './synthetic-mark.ts'

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'marks-')))
  mkdirSync(join(folder, 'above', 'data'), { recursive: true })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const clean = 'sex,age\nfemale,44\n'
const marked = `sex,age,${markColumn}\nfemale,44,rel-1\n`
const at = (name: string): string => join(folder, 'above', 'data', name)
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(at(name), content)
  return at(name)
}
const json = (name: string, value: unknown): string => file(name, JSON.stringify(value))

const source = (path: string, delimiter = ',') => ({
  path,
  delimiter,
  format: 'csv' as const,
  header: true,
  missing: [],
  encoding: 'utf-8' as const,
})

/** What both gates say: that of `source add`, and that of every pass over a table (approval, training start). */
const verdictOf = async (path: string): Promise<{ code: string; message: string }> => {
  const [added, read] = await Promise.all([
    refuseMarked(path).then(
      () => null,
      (error: unknown) => error,
    ),
    firstBatch(path).then(
      () => null,
      (error: unknown) => error,
    ),
  ])
  if (added === null && read === null) return { code: 'passes', message: '' }
  expect(added).toBeInstanceOf(CodedError)
  const { code, message } = added as CodedError
  expect(read).toMatchObject({ code, message })
  return { code, message }
}
const firstBatch = async (path: string): Promise<void> => {
  for await (const batch of openTable(source(path), ['sex'])) expect(batch.rows).toBe(1)
}

const parquet = async (name: string, options: string): Promise<string> => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`COPY (SELECT 'female' AS sex, 'rel-1' AS mark) TO '${at(name)}' (FORMAT parquet${options})`)
  connection.closeSync()
  instance.closeSync()
  return at(name)
}

const synthetic = (url: string) => ({ '@context': 'http://www.w3.org/ns/csvw', url, 'dc:type': 'Synthetic' })
const refused = (why: RegExp) => ({ code: 'SYNTHETIC_SOURCE_REFUSED', message: expect.stringMatching(why) as string })

describe('a source is refused for', () => {
  it.each<[string, string | Uint8Array]>([
    ['the mark column', marked],
    ['the mark column of a zipped file', gzipSync(marked)],
    ['the mark column under another delimiter', marked.replaceAll(',', ';')],
    ['a quoted mark column after a name with a line break', `"sex\n",sex,"${markColumn.toUpperCase()}"\r\na,b,c\r\n`],
    ['the mark column behind a byte order mark', `\ufeff${markColumn},sex\nrel-1,female\n`],
    ['the mark column in UTF-16', Buffer.from(`\ufeff${marked}`, 'utf16le')],
  ])('%s', async (_what, content) => {
    expect(await verdictOf(file('renamed.txt', content))).toEqual(refused(/its header has the column/))
  })

  it('a CSVW document beside it that says synthetic, in any of its ways', async () => {
    const path = file('cohort.csv', clean)
    const ways = [
      synthetic('cohort.csv'),
      { 'dc:type': ['Dataset', 'synthetic'] },
      { 'schema:additionalProperty': [{ 'schema:name': 'synthetic', 'schema:value': 'true' }] },
      { tables: [{ note: { deep: digitalSourceType } }] },
    ]
    for (const way of ways) {
      json('cohort.csv-metadata.json', way)
      expect(await verdictOf(path)).toEqual(refused(/cohort\.csv-metadata\.json beside it/))
    }
    expect(await verdictOf(file('cohort.csv.gz', gzipSync(clean)))).toEqual(refused(/cohort\.csv-metadata\.json/))
  })

  it('a CSVW document of the whole folder that names it', async () => {
    json('csv-metadata.json', { tables: [{ url: 'other.csv' }, synthetic('cohort.csv')] })
    expect(await verdictOf(file('cohort.csv', clean))).toEqual(refused(/^csv-metadata\.json/))
    expect(await verdictOf(file('other.csv', clean))).toEqual({ code: 'passes', message: '' })
  })

  it.each([
    ["a Parquet footer's key", `, KV_METADATA {synthetic: 'true'}`],
    ["a Parquet footer's release", `, KV_METADATA {'synthetic.release': 'rel-1'}`],
    ["a Parquet footer's source type", `, KV_METADATA {kind: '${digitalSourceType}'}`],
  ])('%s', async (_what, options) => {
    expect(await verdictOf(await parquet('cohort.csv', options))).toEqual(refused(/Parquet footer/))
  })

  it.each([
    ['release.json', { tributary: 'release/1' }],
    ['attestation.dsse.json', { payloadType: attestationType }],
  ])('a %s beside or above it', async (name, document) => {
    const path = file('patients.csv', clean)
    for (const place of [`../${name}`, name]) {
      json(place, document)
      expect(await verdictOf(path)).toEqual(refused(new RegExp(`${name} is beside or above it`)))
      rmSync(at(place))
    }
  })

  it('a release.json up to four folders above it, and no further', async () => {
    const deep = join(folder, '1', '2', '3', '4', '5')
    mkdirSync(deep, { recursive: true })
    const path = join(deep, 'patients.csv')
    writeFileSync(path, clean)
    writeFileSync(join(folder, 'release.json'), '{"tributary":"release/1"}')
    expect(await verdictOf(path)).toEqual({ code: 'passes', message: '' })
    for (const above of [['1'], ['1', '2'], ['1', '2', '3'], ['1', '2', '3', '4']]) {
      const document = join(folder, ...above, 'release.json')
      writeFileSync(document, '{"tributary":"release/1"}')
      expect(await verdictOf(path), document).toEqual(refused(/release\.json is beside or above it/))
      rmSync(document)
    }
  })

  const rows = (mark: string, count: number, delimiter = ',') =>
    Array.from({ length: count }, (_, i) => ['female', 40 + i, mark].join(delimiter)).join('\n')
  it.each<[string, string | Uint8Array]>([
    ['the id of a release', `${rows('rel-77zzaaaaaaaaaaa0', 300)}\n`],
    ['that id in one row alone', `${rows('rel-77zzaaaaaaaaaaa0', 1)}\n`],
    ['that id in two rows, the last unended', rows('rel-77zzaaaaaaaaaaa0', 2)],
    ['that id, zipped and tabbed', gzipSync(rows('"rel-77zzaaaaaaaaaaa0"', 9, '\t'))],
    ['that id in the middle', rows('rel-77zzaaaaaaaaaaa0,1', 9)],
    ['that id under a renamed column', `sex,age,source\n${rows('rel-77zzaaaaaaaaaaa0', 9)}\r\n`],
    ["the mark of an operator's cohort", rows('unreleased-0123456789ab', 9)],
    ['the word of a probe', `${rows('probe', 20).replaceAll('\n', '\r\n')}\r\n`],
  ])('its rows, without a header: %s', async (_what, content) => {
    expect(await verdictOf(file('nohead.csv', content))).toEqual(refused(/^its first rows carry the mark/))
  })

  it('what a link leads to', async () => {
    json('cohort.csv-metadata.json', synthetic('cohort.csv'))
    file('cohort.csv', clean)
    const link = join(folder, 'patients.csv')
    symlinkSync(at('cohort.csv'), link)
    expect(await verdictOf(link)).toEqual(refused(/cohort\.csv-metadata\.json/))
  })

  it('the mark column among the names given for a file without a header', async () => {
    const headless = { ...source(file('a.csv', 'female,rel-1\n')), header: false, columns: ['sex', markColumn] }
    const pass = openTable(headless, ['sex'])[Symbol.asyncIterator]()
    await expect(pass.next()).rejects.toMatchObject({ code: 'SYNTHETIC_SOURCE_REFUSED' })
  })
})

describe('a source passes', () => {
  it('clean, zipped or not, with names and neighbours that only look alike', async () => {
    const passes = { code: 'passes', message: '' }
    json('patients.csv-metadata.json', { 'dc:type': 'Dataset', 'schema:name': 'synthetic', url: 'patients.csv' })
    json('release.json', { tributary: 'none', synthetic: 'no' })
    json('attestation.dsse.json', { payloadType: 'application/vnd.in-toto+json' })
    file('../release.json', 'not JSON')
    expect(await verdictOf(file('patients.csv', clean))).toEqual(passes)
    expect(await verdictOf(file('patients.csv.gz', gzipSync(clean)))).toEqual(passes)
    expect(await verdictOf(file('names.csv', `sex,my${markColumn},${markColumn}_2\nfemale,a,b\n`))).toEqual(passes)
    expect(await verdictOf(file('rows.csv', `sex,a\nfemale,${markColumn}\n`))).toEqual(passes)
  })

  it.each([
    ['a column named release', 'sex,release\nfemale,1.0\n'],
    ['the same version in each row', 'sex,release\nfemale,rel-2024\n'],
    ['a word that only begins or ends as an id does', 'sex,a\nfemale,rel-77zzaaaaaaaaaaa0b\n'],
    ['an id of another system around it', 'sex,a\nfemale,x-rel-77zzaaaaaaaaaaa0\n'],
    ['a column named probe', 'sex,probe\nfemale,1\n'],
    ['a probe used in a procedure', 'sex,tool\nfemale,probe\n'],
    ['a tool that only ends so', 'sex,microprobe\nfemale,microprobe\n'],
  ])('%s', async (_what, content) => {
    expect(await verdictOf(file('patients.csv', content))).toEqual({ code: 'passes', message: '' })
  })

  it('rows of which only some mention a release', async () => {
    const some = ['sex,note', 'female,rel-77zzaaaaaaaaaaa0', 'male,', 'female,none']
    await expect(refuseMarked(file('notes.csv', `${some.join('\n')}\n`))).resolves.toBeUndefined()
    const later = [...Array.from({ length: 6 }, () => 'male,drill'), 'male,probe']
    await expect(refuseMarked(file('tools.csv', `${later.join('\n')}\n`))).resolves.toBeUndefined()
    const sorted = [...Array.from({ length: 600 }, () => 'male,probe'), 'male,saw']
    await expect(refuseMarked(file('sorted.csv', `${sorted.join('\n')}\n`))).resolves.toBeUndefined()
  })

  it('no Parquet file, marked or not, and the words are ours', async () => {
    const said = { code: 'TABLE_INVALID', message: expect.stringMatching(/only CSV/) as string }
    expect(await verdictOf(await parquet('patients.csv', ''))).toEqual(said)
    expect(
      await verdictOf(await parquet('no.parquet', `, KV_METADATA {synthetic: 'false', other: 'synthetic'}`)),
    ).toEqual(said)
    expect(await verdictOf(file('cut.parquet', 'PAR1 and nothing else'))).toEqual(said)
  })
})

describe('site-agent source add', () => {
  const add = async (path: string): Promise<unknown> => {
    const program = new Command('site-agent').exitOverride()
    addSourceCommands(program, { clock: { now: () => 0, sleep: async () => {} } })
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const words = ['source', 'add', 'patients', '--path', path, '--data-dir', join(folder, 'site')]
    return program.parseAsync(words, { from: 'user' }).then(
      () => 'added',
      (error: unknown) => error,
    )
  }

  it('refuses a marked file before it opens anything, with exit code 6', async () => {
    const error = await add(file('cohort.csv', marked))
    expect(error).toMatchObject({ code: 'SYNTHETIC_SOURCE_REFUSED', place: { file: 'cohort.csv' } })
    expect(exitCode((error as CodedError).code)).toBe(6)
    const headless = file('nohead.csv', 'female,44,rel-77zzaaaaaaaaaaa0\nmale,45,rel-77zzaaaaaaaaaaa0\n')
    expect(await add(headless)).toMatchObject({ code: 'SYNTHETIC_SOURCE_REFUSED', place: { file: 'nohead.csv' } })
    // What stops a clean file here is only that this site never enrolled.
    expect(await add(file('clean.csv', clean))).toMatchObject({ code: 'NOT_FOUND' })
  })
})
