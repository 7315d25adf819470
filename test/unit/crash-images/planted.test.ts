import fs from 'node:fs'
import { join } from 'node:path'
import { makeFolder, syncFolder } from '@tributary/shared/store/durable-folder'
import { openStore, type SqliteStore } from '@tributary/shared/store/sqlite'
import { expect, it } from 'vitest'
import { crashEverywhere } from '../../harness/crash-images.ts'

/* The crash images find what they are for: stores with one mistake each, and the same without it. */
const numbers = (add: (store: SqliteStore, n: number) => void) =>
  crashEverywhere<SqliteStore>({
    open: (folder) =>
      openStore(join(folder, 'n.sqlite'), {
        synchronous: 'FULL',
        migrations: ['CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER)'],
      }),
    close: (store) => store.close(),
    acts: [1, 2, 3].map((n) => (store) => add(store, n)),
    state: (store) => [store.all('SELECT n FROM a'), store.all('SELECT n FROM b')],
  })

const insert = (store: SqliteStore, n: number): void => {
  store.run('INSERT INTO a VALUES (?)', n)
  store.run('INSERT INTO b VALUES (?)', n)
}

it('two rows that belong together, written one after the other', async () => {
  expect((await numbers((store, n) => store.transaction(() => insert(store, n)))).breaches).toEqual([])
  expect((await numbers(insert)).breaches).not.toEqual([])
})

it('an act that is acknowledged before it is committed', async () => {
  const { breaches } = await numbers((store, n) => {
    if (n > 1) store.run('COMMIT')
    store.run('BEGIN IMMEDIATE')
    insert(store, n)
  })
  expect(breaches).not.toEqual([])
})

interface Files {
  readonly folder: string
}

type Step = 'folder' | 'sync' | 'sync folder'
const soundly: readonly Step[] = ['folder', 'sync', 'sync folder']

/** Keeps one file a number, synced as the given steps say. */
const filed = (steps: readonly Step[]) =>
  crashEverywhere<Files>({
    open: (home) => {
      const folder = join(home, 'deep', 'files')
      if (steps.includes('folder')) makeFolder(folder)
      else fs.mkdirSync(folder, { recursive: true })
      return { folder }
    },
    close: () => undefined,
    acts: [1, 2].map((n) => ({ folder }) => {
      const [part, path] = [join(folder, `${n}.part`), join(folder, `${n}`)]
      const handle = fs.openSync(part, 'w')
      fs.writeSync(handle, Buffer.alloc(100, n))
      if (steps.includes('sync')) fs.fsyncSync(handle)
      fs.closeSync(handle)
      fs.renameSync(part, path)
      if (steps.includes('sync folder')) syncFolder(folder)
    }),
    state: ({ folder }) =>
      fs
        .readdirSync(folder)
        .filter((name) => !name.endsWith('.part'))
        .map((name) => [name, fs.readFileSync(join(folder, name), 'hex')]),
  })

it('a file whose bytes, whose name or whose folder is not synced', async () => {
  expect((await filed(soundly)).breaches).toEqual([])
  for (const left of soundly) {
    const { breaches } = await filed(soundly.filter((step) => step !== left))
    expect(breaches, `without ${left}`).not.toEqual([])
  }
})
