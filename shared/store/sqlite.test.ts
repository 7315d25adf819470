import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore, type StoreOptions, text, whole } from './sqlite.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const options: StoreOptions = {
  synchronous: 'FULL',
  migrations: ['CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, t TEXT)'],
  lockWaitMs: 20,
}
const path = () => join(folder, 'deep', 'x.db')

test('store: a 64-bit integer survives as bigint, and `whole` refuses one that a double would bend', () => {
  const store = openStore(path(), options)
  store.run('INSERT INTO a VALUES (1, ?, ?)', 2n ** 63n - 1n, 'x')
  const row = store.get('SELECT * FROM a')!
  expect(row.n).toBe(2n ** 63n - 1n)
  expect(whole(row, 'id')).toBe(1)
  expect(() => whole(row, 'n')).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  expect(() => text(row, 'n')).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  store.close()
})

test('store: WAL, the asked synchronous level, foreign keys, a file for its owner alone', () => {
  for (const [synchronous, level] of [
    ['FULL', 2n],
    ['EXTRA', 3n],
  ] as const) {
    const store = openStore(path(), { ...options, synchronous })
    expect(store.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
    expect(store.get('PRAGMA synchronous')).toEqual({ synchronous: level })
    expect(store.get('PRAGMA foreign_keys')).toEqual({ foreign_keys: 1n })
    store.close()
  }
  expect(statSync(path()).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(folder, 'deep'))).toEqual(['x.db'])
})

test('store: a transaction that throws leaves nothing, and one inside another is refused', () => {
  const store = openStore(path(), options)
  expect(() =>
    store.transaction(() => {
      store.run("INSERT INTO a VALUES (1, 1, 'x')")
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(store.all('SELECT * FROM a')).toEqual([])
  expect(() => store.transaction(() => store.transaction(() => 1))).toThrow(
    expect.objectContaining({ code: 'INTERNAL' }),
  )
  expect(store.transaction(() => 7)).toBe(7)
  store.close()
})

test('store: a second writer gets STORE_LOCKED while the first one holds the lock', () => {
  const first = openStore(path(), options)
  const second = openStore(path(), options)
  first.transaction(() =>
    expect(() => second.transaction(() => 1)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' })),
  )
  expect(second.transaction(() => 1)).toBe(1)
  first.close()
  second.close()
})

test('store: a full disk is DISK_FULL and the transaction is gone as a whole', () => {
  const store = openStore(path(), options)
  store.get('PRAGMA max_page_count = 4')
  const fill = () =>
    store.transaction(() => {
      for (let id = 0; id < 100; id++) store.run('INSERT INTO a VALUES (?, 1, ?)', id, 'x'.repeat(1000))
    })
  expect(fill).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
  expect(store.get('SELECT count(*) AS n FROM a')).toEqual({ n: 0n })
  store.get('PRAGMA max_page_count = 1000')
  fill()
  store.close()
})

test('store: rubbish in place of the file is STATE_CORRUPT, a folder CONFIG_INVALID, a newer file is left alone', () => {
  const rubbish = join(folder, 'rubbish.db')
  writeFileSync(rubbish, 'x'.repeat(5000))
  expect(() => openStore(rubbish, options)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  expect(() => openStore(folder, options)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  openStore(path(), { ...options, migrations: [...options.migrations, 'CREATE TABLE b (x)'] }).close()
  expect(() => openStore(path(), options)).toThrow(expect.objectContaining({ code: 'PROTOCOL_UNSUPPORTED' }))
})

test('store: a failing migration is undone as a whole and tried again', () => {
  const broken = { ...options, migrations: [...options.migrations, 'CREATE TABLE b (x); CREATE TABLE a (y)'] }
  expect(() => openStore(path(), broken)).toThrow()
  const store = openStore(path(), { ...options, migrations: [...options.migrations, 'CREATE TABLE b (x)'] })
  expect(store.all('SELECT * FROM b')).toEqual([])
  store.close()
})
