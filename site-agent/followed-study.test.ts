import { siteId } from '@tributary/shared/ids'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { rosterHash } from '@tributary/shared/wire/roster'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { tinyStudy } from '../test/harness/tiny-study.ts'
import { type FollowedParts, FollowedStudy } from './followed-study.ts'

it('the thread with the one-time keys is closed even where the one with the records cannot be', async () => {
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const [admin, coordinator] = [generateIdentity().publicKey, generateIdentity().publicKey]
  const members = manifest.sites.map(({ name }) => ({
    site: siteId(name),
    identity: generateIdentity().publicKey,
  }))
  const roster = { federation: 'test', version: 1, admin, coordinator, members, committee: [] }
  const study = studyIdOf(manifest, rosterHash(roster))
  const stop = new AbortController()
  const closed = vi.fn(async () => {})
  const broken = new Error('the thread does not end')
  const parts = {
    ports: {
      clock: { now: () => 0, sleep: async () => {} },
      log: pino({ level: 'silent' }),
      sealing: async () => ({ close: closed }),
      queries: async () => ({ execute: vi.fn(), close: () => Promise.reject(broken) }),
    },
    book: {
      stateOf: () => 'approved',
      booked: () => ({ study, manifest, roster, source: 'rows', state: 'approved' }),
      source: (name: string) => ({ name, path: '/nowhere', overrides: {} }),
    },
    site: { name: siteId('ash'), holdoutFolder: '/nowhere' },
    rounds: {
      ring: ringFacts,
      client: {
        next: async () => {
          stop.abort()
          return { kind: 'wait' }
        },
      },
    },
    report: vi.fn(),
  } as unknown as FollowedParts
  await expect(new FollowedStudy(study, parts).follow(stop.signal)).rejects.toBe(broken)
  expect(parts.report).not.toHaveBeenCalled()
  expect(closed).toHaveBeenCalledTimes(1)
})
