import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs, { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { digitalSourceType, markColumn } from '@tributary/shared/synthetic-mark'
import * as z from 'zod'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { tributaryVersion } from '../../../coordinator/release/release-manifest.ts'
import { makeRelease, type ReleaseParts } from '../../../coordinator/release/make-release.ts'
import { privacyStatementSchema } from '../../../coordinator/release/privacy-statement.ts'
import { releaseSchema } from '../../../coordinator/release/release-schema.ts'
import type { Report } from '../../../coordinator/report/report.ts'
import { verifyRelease } from '../../../coordinator/release/verify-release.ts'
import { tinyParts } from '../../harness/tiny-release.ts'

const scratch = mkdtempSync(join(tmpdir(), 'release-'))
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})
let made = 0
const newFolder = (): string => join(scratch, `rel-${made++}`)
const make = async (wanted: Partial<ReleaseParts> = {}): Promise<string> => {
  const folder = newFolder()
  await makeRelease(folder, tinyParts(wanted))
  return folder
}

const names = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(names(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]))
const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8')

const query = async (sql: string): Promise<unknown[][]> => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await (await connection.run(sql)).getRowsJS()) as unknown[][]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

let folder: string
const progress: number[] = []
beforeAll(async () => {
  folder = await make({ onProgress: (rows) => progress.push(rows) })
  return () => rmSync(scratch, { recursive: true })
})

describe('a release folder', () => {
  it('holds what it says, and sha256sum agrees', () => {
    expect(names(folder)).toEqual([
      'README.txt',
      'SHA256SUMS',
      'attestation.dsse.json',
      'data/cohort.csv',
      'data/cohort.csv-metadata.json',
      'data/cohort.parquet',
      'privacy.json',
      'release.json',
      'report.html',
      'report.json',
    ])
    const { reproduce } = JSON.parse(read(folder, 'report.json')) as Report
    expect(reproduce.files.map(({ name }) => name).toSorted()).toEqual(names(folder))
    execFileSync('/usr/bin/env', ['sha256sum', '-c', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder })
    expect(read(folder, 'SHA256SUMS').trim().split('\n')).toHaveLength(8)
    expect(existsSync(`${folder}.part`)).toBe(false)
    expect(progress.at(-1)).toBe(300)
  })

  it('says what was asked, of which model, by whose help, in documents that fit their published schemas', () => {
    const release = releaseSchema.parse(JSON.parse(read(folder, 'release.json')))
    expect(release).toMatchObject({
      release: 'rel-8KQ2',
      created: '2026-11-22T06:00:00.000Z',
      request: { rows: 300, seed: 11, where: null },
      contributors: {
        invited: 3,
        rounds: 4,
        aborted: 1,
        sites: [
          { site: 'ash', rounds: 4 },
          { site: 'birch', rounds: 4 },
          { site: 'cedar', rounds: 4 },
        ],
      },
      generator: { model_sha256: 'cd'.repeat(32) },
      software: { tributary: tributaryVersion },
    })
    expect(release.not_for.length).toBeGreaterThan(1)
    const privacy = privacyStatementSchema.parse(JSON.parse(read(folder, 'privacy.json')))
    const { adversaries } = privacy.privacy_loss
    expect(adversaries.map(({ name, target }) => `${name}: ${target.name}`)).toEqual([
      'the public: a row of one hospital',
      'the coordinator: a row of one hospital',
      'another hospital: a row of one hospital',
      'the coordinator and 1 hospital: a row of one hospital',
      'the coordinator and 2 hospitals: a row of one hospital',
      'the public: a patient with one row in each of 2 hospitals',
      'the public: a patient with one row in each of 3 hospitals',
    ])
    expect(adversaries.map((row) => row.noise_shares_missed)).toEqual([3, 3, 2, 2, 1, 3, 3])
    expect(adversaries.map((row) => row.isolates)).toEqual([false, false, false, false, true, false, false])
    const { public: outside, peer } = privacy.privacy_loss.privacy_parameters
    expect(outside.epsilon).toBeGreaterThan(0)
    expect(peer.epsilon).toBeGreaterThanOrEqual(outside.epsilon)
    expect(outside.beliefs.find(({ before }) => before === 0.5)?.after_at_most).toBeCloseTo(
      1 / (1 + Math.exp(-outside.epsilon)),
      12,
    )
    for (const schema of [releaseSchema, privacyStatementSchema])
      expect(z.toJSONSchema(schema)).toMatchObject({ type: 'object', additionalProperties: false })
  })

  it('knows the version of the program', () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../coordinator/package.json', import.meta.url), 'utf8'),
    ) as {
      version: string
    }
    expect(tributaryVersion).toBe(version)
  })

  it('has a CSV whose sidecar describes each of its columns', () => {
    const [header] = read(folder, 'data/cohort.csv').split('\n', 1)
    const sidecar = JSON.parse(read(folder, 'data/cohort.csv-metadata.json')) as {
      tableSchema: { columns: { titles: string; null?: string[]; required?: boolean }[] }
    }
    expect(sidecar).toMatchObject({ url: 'cohort.csv', 'dc:type': 'Synthetic', 'dc:identifier': 'rel-8KQ2' })
    expect(sidecar.tableSchema.columns.map(({ titles }) => titles).join(',')).toBe(header)
    expect(header).toBe(`sex,note,age,stays,lactate,${markColumn}`)
    expect(sidecar.tableSchema.columns[1]).toMatchObject({ null: ['?'] })
    expect(sidecar.tableSchema.columns[2]).toMatchObject({ required: true })
  })
})

describe('its Parquet file in DuckDB', () => {
  it('has typed columns and the marks in its footer', async () => {
    const file = join(folder, 'data/cohort.parquet')
    expect(await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${file}')`)).toEqual([
      ['sex', 'VARCHAR'],
      ['note', 'VARCHAR'],
      ['age', 'INTEGER'],
      ['stays', 'INTEGER'],
      ['lactate', 'DOUBLE'],
      [markColumn, 'VARCHAR'],
    ])
    const keys = await query(`SELECT decode(key), decode(value) FROM parquet_kv_metadata('${file}') ORDER BY 1`)
    expect(keys).toEqual([
      ['synthetic', 'true'],
      ['synthetic.digitalSourceType', digitalSourceType],
      ['synthetic.generator', 'ward'],
      ['synthetic.order', expect.stringMatching(/^[0-9a-f]{64}$/)],
      ['synthetic.release', 'rel-8KQ2'],
    ])
    expect(
      await query(`SELECT DISTINCT encodings FROM parquet_metadata('${file}') WHERE path_in_schema = 'sex'`),
    ).toEqual([[expect.stringContaining('RLE_DICTIONARY')]])
  })

  it('holds the rows of the CSV, in order, missing values as nulls', async () => {
    const csv = await query(
      `SELECT * FROM read_csv('${join(folder, 'data/cohort.csv')}', all_varchar = true, header = true, delim = ',', quote = '"', escape = '"', auto_detect = false, columns = {sex: 'VARCHAR', note: 'VARCHAR', age: 'VARCHAR', stays: 'VARCHAR', lactate: 'VARCHAR', ${markColumn}: 'VARCHAR'})`,
    )
    const parquet = await query(`SELECT * FROM '${join(folder, 'data/cohort.parquet')}'`)
    expect(parquet).toHaveLength(300)
    expect(csv).toEqual(parquet.map((row) => row.map((cell) => (cell === null ? '?' : String(cell)))))
    const seen = new Set(parquet.flat())
    for (const value of [null, 'a, b', 'said "no"', 'two\nlines', 'é']) expect(seen).toContain(value)
  })
})

describe('equal orders', () => {
  it('give equal bytes, the signature included; another seed gives other rows', async () => {
    expect(contents(await make())).toEqual(contents(folder))
    const other = await make({ order: { rows: 300, seed: 12 } })
    expect(read(other, 'data/cohort.csv')).not.toBe(read(folder, 'data/cohort.csv'))
  })

  it('under another release id differ in the mark alone, and the checksum of the rows says so', async () => {
    const other = await make({ releaseId: 'rel-other' })
    expect(read(other, 'data/cohort.csv').replaceAll(',rel-other\n', ',rel-8KQ2\n')).toBe(
      read(folder, 'data/cohort.csv'),
    )
    const rowsOf = (where: string) => releaseSchema.parse(JSON.parse(read(where, 'release.json'))).data.rows_sha256
    expect(rowsOf(other)).toBe(rowsOf(folder))
    expect(rowsOf(folder)).toMatch(/^[0-9a-f]{64}$/)
    expect(rowsOf(await make({ order: { rows: 300, seed: 12 } }))).not.toBe(rowsOf(folder))
  })

  it('with a condition hold nobody else, and say so in normal form', async () => {
    const where = 'age>=40 and sex="female"'
    const other = await make({ order: { rows: 200, seed: 1, where }, formats: ['csv'] })
    const release = releaseSchema.parse(JSON.parse(read(other, 'release.json')))
    expect(release.request.where).toBe('age >= 40 AND sex = female')
    expect(release.outcome.handling).not.toBe('unconditional')
    expect(release.outcome.support).toBeLessThan(1)
    const { fidelity, support } = JSON.parse(read(other, 'report.json')) as Report
    expect(release.outcome.support_noise_error).toBe(support.noise_error)
    // Untrained weights: the network's own rows are nowhere near the marginals that the sample was raked to.
    expect(fidelity.network_mean_distance).toBeGreaterThan(5 * fidelity.mean_distance)
    expect(fidelity.raking_effective_share).toBeLessThan(1)
    const rows = await query(
      `SELECT count(*)::INT, min(age), count(DISTINCT sex)::INT FROM '${join(other, 'data/cohort.csv')}'`,
    )
    expect(rows).toEqual([[200, expect.any(BigInt), 1]])
    expect(Number(rows[0]![1])).toBeGreaterThanOrEqual(40)
    expect(await verifyRelease(other, {})).toMatchObject({ ok: true })
  })

  it('one format alone makes a whole release too', async () => {
    const csv = await make({ formats: ['csv'] })
    const parquet = await make({ formats: ['parquet'] })
    expect(names(csv).filter((name) => name.startsWith('data/'))).toEqual([
      'data/cohort.csv',
      'data/cohort.csv-metadata.json',
    ])
    expect(names(parquet).filter((name) => name.startsWith('data/'))).toEqual(['data/cohort.parquet'])
    for (const each of [csv, parquet]) expect(await verifyRelease(each, {})).toMatchObject({ ok: true })
    expect(read(csv, 'data/cohort.csv')).toBe(read(folder, 'data/cohort.csv'))
    const rows = read(folder, 'data/cohort.csv').replaceAll(/,(_synthetic_release|rel-8KQ2)\n/g, '\n')
    const sum = createHash('sha256').update(rows).digest('hex')
    for (const each of [folder, csv, parquet])
      expect(JSON.parse(read(each, 'release.json'))).toMatchObject({ data: { rows_sha256: sum } })
  })
})

describe('complete or absent', () => {
  const handle = async (): Promise<FileHandle> => {
    const opened = await open(join(folder, 'release.json'), 'r')
    await opened.close()
    return Object.getPrototypeOf(opened) as FileHandle
  }
  /** Calls `each` before every write and sync of any file or folder. */
  const watchDisk = async (each: () => void): Promise<void> => {
    const prototype = await handle()
    for (const name of ['write', 'sync'] as const) {
      const original = prototype[name] as (...given: unknown[]) => Promise<unknown>
      vi.spyOn(prototype, name).mockImplementation(function (this: FileHandle, ...given: unknown[]) {
        each()
        return original.apply(this, given)
      } as never)
    }
    const { fsyncSync } = fs
    vi.spyOn(fs, 'fsyncSync').mockImplementation((handle) => {
      each()
      fsyncSync(handle)
    })
    syncBuiltinESMExports()
  }

  it('a crash at any write leaves nothing under its name, and what it left is cleared by the next try', async () => {
    const target = newFolder()
    mkdirSync(join(`${target}.part`, 'data'), { recursive: true })
    for (const name of ['data/cohort.csv', 'release.json', 'left.txt'])
      writeFileSync(join(`${target}.part`, name), 'half')
    const seen: boolean[] = []
    await watchDisk(() => seen.push(existsSync(target)))
    await makeRelease(target, tinyParts())
    // The last is the sync of the folder above, after the rename; all files and folders were synced before it.
    expect(seen.length).toBeGreaterThan(25)
    expect(seen.filter(Boolean)).toHaveLength(1)
    expect(seen.at(-1)).toBe(true)
    expect(contents(target)).toEqual(contents(folder))
  })

  it('a full disk at any write is DISK_FULL and leaves neither folder', async () => {
    let calls = 0
    let full = Number.POSITIVE_INFINITY
    await watchDisk(() => {
      if (++calls > full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    })
    for (full of [0, 3, 11, 20]) {
      calls = 0
      const target = newFolder()
      await expect(makeRelease(target, tinyParts())).rejects.toMatchObject({ code: 'DISK_FULL' })
      expect(existsSync(target)).toBe(false)
      expect(existsSync(`${target}.part`)).toBe(false)
    }
  })

  it('a folder that is there already is left alone; so is everything for a bad order', async () => {
    const before = contents(folder)
    await expect(makeRelease(folder, tinyParts())).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(contents(folder)).toEqual(before)
    for (const wanted of [
      { releaseId: 'a,b' },
      { releaseId: '' },
      { formats: [] },
      { formats: ['csv', 'csv'] as const },
    ]) {
      const target = newFolder()
      await expect(makeRelease(target, tinyParts(wanted))).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      expect(existsSync(target) || existsSync(`${target}.part`)).toBe(false)
    }
  })
})
