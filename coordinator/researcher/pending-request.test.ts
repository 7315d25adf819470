import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { HandClock } from '../../test/harness/hand-clock.ts'
import { PendingRequest } from './pending-request.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-pending-'))
afterAll(() => rmSync(folder, { recursive: true }))
let home = ''
beforeEach(() => {
  home = mkdtempSync(join(folder, 'home-'))
})

const credentials = {
  server: 'http://127.0.0.1:1',
  token: 't',
  user: 'ada',
  role: 'researcher',
  federation: 'Rhine',
  signing_key: '',
  authorities: [],
}
const order = { generator: 'c0ffee', rows: 5, purpose: 'test' }
const clock = new HandClock()
const open = (environment: Readonly<Record<string, string | undefined>> = { TRIBUTARY_HOME: home }) =>
  PendingRequest.open(environment, credentials, order, clock)
const files = () => readdirSync(join(home, 'pending-requests'))

/** The home folder is looked up before every touch of a file: at the `at`th, another process does `rival`. */
const interrupted = (at: number, rival: () => void) => {
  let lookups = 0
  return {
    get TRIBUTARY_HOME() {
      if (lookups++ === at) rival()
      return home
    },
  }
}

const steps = Array.from({ length: 12 }, (_, at) => at)

it.each(steps)('two commands at once have one key, whatever the other does at step %d', (at) => {
  let rival: PendingRequest | undefined
  const own = open(interrupted(at, () => (rival = open())))
  rival ??= open()
  expect(own.key).toBe(rival.key)
  expect(open().key).toBe(own.key)
  expect(files()).toHaveLength(1)
})

it.each(steps)('an acceptance keeps the key, and is known, whatever the other does at step %d', (at) => {
  const first = open(interrupted(at, () => open().accepted('req-1')))
  first.accepted('req-1')
  const { key, request } = open()
  expect({ key, request }).toEqual({ key: first.key, request: 'req-1' })
  expect(files()).toHaveLength(1)
})

it('an acceptance and a refusal of an earlier order leave a renewed one alone', () => {
  const [first, refused] = [open(), open()]
  const again = open()
  again.renew()
  expect(again.key).not.toBe(first.key)
  first.accepted('req-1')
  refused.refused()
  expect({ key: open().key, request: open().request }).toEqual({ key: again.key, request: undefined })
  first.renew()
  expect(first.key).toBe(again.key)
  again.refused()
  expect(open().key).not.toBe(again.key)
})

it('who else asks, and what else is asked, has another key', () => {
  const { key } = open()
  const other = (who: object, what: object) =>
    PendingRequest.open({ TRIBUTARY_HOME: home }, { ...credentials, ...who }, { ...order, ...what }, clock).key
  const keys = [key, other({ user: 'bob' }, {}), other({ server: 'http://127.0.0.1:2' }, {}), other({}, { rows: 6 })]
  expect(new Set(keys).size).toBe(keys.length)
  expect(other({}, {})).toBe(key)
})
