import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, it } from '@fast-check/vitest'
import { openStore } from '@tributary/shared/store/sqlite'
import { afterAll, describe, expect } from 'vitest'
import { requestFacts } from '../../test/harness/request-queue.ts'
import { RequestStore, requestsPath } from './request-store.ts'

const root = mkdtempSync(join(tmpdir(), 'tributary-store-'))
afterAll(() => rmSync(root, { recursive: true }))
const fresh = () => mkdtempSync(join(root, 'case-'))

const users = ['ada', 'bob', 'cy'] as const
/** Makes whatever is next until nothing is: the order in which requests were made. */
const made = (store: RequestStore, most = Number.POSITIVE_INFINITY): string[] => {
  const order: string[] = []
  for (let next = store.next(); next !== undefined && order.length < most; next = store.next()) {
    order.push(next.facts.id)
    store.advance(next.facts.id, { kind: 'start' })
    store.advance(next.facts.id, { kind: 'done', time: 9 })
  }
  return order
}

describe('the order of requests', () => {
  it('goes round the users: twenty of one do not hold up another', () => {
    const folder = fresh()
    let store = RequestStore.open(requestsPath(folder))
    for (let n = 0; n < 20; n++) store.accept(requestFacts(n, { user: 'ada', rows: 1_000_000 }))
    expect(made(store, 2)).toEqual(['req-0', 'req-1'])
    store.accept(requestFacts(20, { user: 'bob', rows: 10 }))
    store.accept(requestFacts(21, { user: 'bob', rows: 10 }))
    store.accept(requestFacts(22, { user: 'cy', rows: 10 }))
    store.close()
    store = RequestStore.open(requestsPath(folder)) // whose turn it is outlives the process
    expect(made(store, 6)).toEqual(['req-20', 'req-22', 'req-2', 'req-21', 'req-3', 'req-4'])
    store.close()
  })

  it.prop([fc.array(fc.constantFrom(...users), { maxLength: 14 })], { numRuns: 20 })(
    'lets nobody wait for more than one of each other, and keeps the order of each',
    (asked) => {
      const store = RequestStore.open(requestsPath(fresh()))
      asked.forEach((user, n) => store.accept(requestFacts(n, { user })))
      const order = made(store).map((id) => ({ id, user: store.request(id).facts.user }))
      expect(order).toHaveLength(asked.length)
      for (const user of users) {
        const own = order.filter((request) => request.user === user).map(({ id }) => Number(id.slice(4)))
        expect(own).toEqual(own.toSorted((a, b) => a - b))
        const places = order.flatMap((request, place) => (request.user === user ? [place] : []))
        places.forEach((place, n) => expect(place - (places[n - 1] ?? -1)).toBeLessThanOrEqual(users.length))
      }
      store.close()
    },
  )

  it('takes up first what was in the making, and passes over what it is told to', () => {
    const store = RequestStore.open(requestsPath(fresh()))
    for (let n = 0; n < 3; n++) store.accept(requestFacts(n))
    store.advance('req-1', { kind: 'start' })
    expect(store.next()?.facts.id).toBe('req-1')
    store.advance('req-1', { kind: 'wait', reason: 'disk_space' })
    expect(store.next(['req-0', 'req-1'])?.facts.id).toBe('req-2')
    expect(store.next(['req-0', 'req-1', 'req-2'])).toBeUndefined()
    store.close()
  })
})

describe('what a user may have', () => {
  it('counts rows that wait, are made and are kept, and nothing that failed or is gone', () => {
    const store = RequestStore.open(requestsPath(fresh()))
    const quota = { rows: 30, unfinished: 3 }
    const accept = (n: number, user = 'ada') => store.accept(requestFacts(n, { user, rows: 10 }), undefined, quota)
    const refused = (code: string) => expect.objectContaining({ code })
    for (const n of [0, 1, 2]) accept(n)
    expect(() => accept(3)).toThrow(refused('TOO_MANY_REQUESTS'))
    accept(4, 'bob')
    store.advance('req-0', { kind: 'start' })
    store.advance('req-0', { kind: 'done', time: 1 })
    expect(() => accept(3)).toThrow(refused('QUOTA_EXCEEDED'))
    store.advance('req-0', { kind: 'withdraw', time: 2 }) // deleted
    accept(3)
    store.advance('req-1', { kind: 'withdraw', time: 2 }) // cancelled
    accept(5)
    store.advance('req-2', { kind: 'start' })
    const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'hardly any', hint: 'Widen it.' }
    store.advance('req-2', { kind: 'failed', time: 3, error })
    accept(6)
    expect(() => accept(7)).toThrow(refused('TOO_MANY_REQUESTS'))
    store.close()
  })
})

it('a store of the first version is taken over', () => {
  const path = requestsPath(fresh())
  const first = openStore(path, {
    synchronous: 'FULL',
    migrations: [
      `CREATE TABLE requests (
         position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, release TEXT NOT NULL UNIQUE, user TEXT NOT NULL,
         key TEXT, body TEXT, facts TEXT NOT NULL, state TEXT NOT NULL, progress TEXT NOT NULL, UNIQUE (user, key)
       ) STRICT;
       CREATE INDEX requests_by_state ON requests (state, position);`,
    ],
  })
  const sql = 'INSERT INTO requests (id, release, user, facts, state, progress) VALUES (?, ?, ?, ?, ?, ?)'
  const facts = requestFacts(1)
  first.run(sql, facts.id, facts.release, facts.user, JSON.stringify(facts), 'queued', '{"state":"queued"}')
  first.close()
  const store = RequestStore.open(path)
  expect(made(store)).toEqual(['req-1'])
  store.close()
})
