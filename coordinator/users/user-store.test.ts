import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@tributary/shared/store/sqlite'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { UserStore, usersPath, usualQuota } from './user-store.ts'

const root = mkdtempSync(join(tmpdir(), 'tributary-users-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder: string
let users: UserStore
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
  users = UserStore.open(usersPath(folder))
  return () => users.close()
})

describe('users', () => {
  it('are known by their token alone, from another process as well', () => {
    const token = users.add('ada', 'researcher', 5)
    expect(token).toMatch(/^trib_[A-Za-z0-9_-]{43}$/)
    expect(users.holderOf(token)).toEqual({ name: 'ada', role: 'researcher', created: 5, quota: usualQuota })
    for (const wrong of ['', token.slice(0, -1), `${token}A`, token.toLowerCase(), 'ada'])
      expect(users.holderOf(wrong)).toBeUndefined()
    const beside = UserStore.open(usersPath(folder))
    beside.remove('ada', 9)
    beside.close()
    expect(users.holderOf(token)).toBeUndefined()
    expect(users.users()).toEqual([{ name: 'ada', role: 'researcher', created: 5, removed: 9, quota: usualQuota }])
    expect(() => users.remove('ada', 10)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  it('keep their token nowhere', () => {
    const token = users.add('ada', 'operator', 1)
    const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
    expect(kept.length).toBeGreaterThan(1)
    for (const bytes of kept) {
      expect(bytes.includes(token)).toBe(false)
      expect(bytes.includes(token.slice(5))).toBe(false)
      expect(bytes.includes(Buffer.from(token.slice(5), 'base64url'))).toBe(false)
    }
  })

  it('have a name for ever, and another token when they ask for one', () => {
    const first = users.add('ada', 'researcher', 1)
    expect(() => users.add('ada', 'operator', 2)).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }))
    users.remove('ada', 3)
    expect(() => users.add('ada', 'researcher', 4)).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }))
    const second = users.renew('ada', 'operator')
    expect(users.holderOf(first)).toBeUndefined()
    expect(users.holderOf(second)).toEqual({ name: 'ada', role: 'operator', created: 1, quota: usualQuota })
    expect(() => users.renew('eve', 'operator')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    for (const name of ['', 'Ada', '../ada', 'a b', 'a'.repeat(41)])
      expect(() => users.add(name, 'researcher', 1)).toThrow(expect.objectContaining({ code: 'ID_MALFORMED' }))
  })

  it('have a quota, a usual one until they are given another', () => {
    const token = users.add('ada', 'researcher', 1)
    users.allow('ada', { rows: 5 })
    expect(users.holderOf(token)?.quota).toEqual({ rows: 5, unfinished: usualQuota.unfinished })
    users.allow('ada', { unfinished: 0 })
    expect(users.holderOf(users.renew('ada', 'researcher'))?.quota).toEqual({ rows: 5, unfinished: 0 })
    for (const rows of [-1, 1.5, Number.NaN])
      expect(() => users.allow('ada', { rows })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => users.allow('eve', { rows: 5 })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  it('of a store of the first version keep their tokens, and have the usual quota', () => {
    const path = join(folder, 'first.sqlite')
    const first = openStore(path, {
      synchronous: 'FULL',
      migrations: [
        `CREATE TABLE users (
           name TEXT PRIMARY KEY, role TEXT NOT NULL, token_hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, removed INTEGER
         ) STRICT`,
      ],
    })
    const hash = createHash('sha256').update('trib_first').digest()
    first.run('INSERT INTO users VALUES (?, ?, ?, ?, NULL)', 'ada', 'researcher', hash, 3)
    first.close()
    const now = UserStore.open(path)
    expect(now.holderOf('trib_first')).toEqual({ name: 'ada', role: 'researcher', created: 3, quota: usualQuota })
    now.close()
  })

  it('leave an audit that nobody can change through the store', () => {
    users.note({ time: 1, user: 'ada', action: 'probe', object: 'x', detail: '{}' })
    users.note({ time: 2, user: 'bob', action: 'download', object: 'y', detail: 'data/cohort.csv' })
    expect(users.audit().map(({ user }) => user)).toEqual(['bob', 'ada'])
    const raw = openStore(usersPath(folder), { synchronous: 'FULL', migrations: ['', ''] })
    expect(() => raw.run("UPDATE audit SET user = 'eve'")).toThrow()
    expect(() => raw.run('DELETE FROM audit')).toThrow()
    raw.close()
    expect(users.audit().map(({ user }) => user)).toEqual(['bob', 'ada'])
  })
})
