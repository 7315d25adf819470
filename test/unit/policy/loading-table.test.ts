import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { CodedError } from '@tributary/shared/errors'
import { siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { studyIdOf } from '@tributary/shared/study/manifest'
import type { Task } from '@tributary/shared/wire/federation-api'
import { rosterHash } from '@tributary/shared/wire/roster'
import type { Roster } from '@tributary/shared/wire/messages'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Agent } from '../../../site-agent/agent.ts'
import type { SiteQueries } from '../../../site-agent/contribution/query-thread.ts'
import { openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { Site } from '../../../site-agent/site.ts'
import { SealingWork } from '../../../site-agent/update/sealing-work.ts'
import { createInsecureRing } from '../../harness/insecure-ring.ts'
import { RoundWorker } from '../../../site-agent/update/round-worker.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'
import { clock, startFederation, type TestFederation } from '../link/federation-fixture.ts'

/* What a coordinator sees of a hospital that is still reading its table, or cannot. */
const ash = siteId('ash')
const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
let federation: TestFederation
let folder: string
let task: Task = { kind: 'wait' }
let dealTask: Task
let asked = 0
const perform = vi.spyOn(RoundWorker.prototype, 'perform').mockResolvedValue()

beforeAll(async () => {
  federation = await startFederation({
    next: async () => {
      asked++
      await clock.sleep(5)
      return task
    },
  })
  ;(await federation.join(ash)).close()
  folder = federation.siteFolder(ash)
  const members = ['ash', 'birch', 'cedar'].map((name) => ({
    site: siteId(name),
    identity: name === 'ash' ? openSiteKeys(folder).identity.publicKey : generateIdentity().publicKey,
  }))
  const { coordinatorIdentity: coordinator } = federation.desk
  const admin = federation.admin.publicKey
  const roster: Roster = { federation: 'test', version: 1, admin, coordinator, members, committee: [] }
  const study = studyIdOf(manifest, rosterHash(roster))
  const book = new Site(folder, clock).openBook()
  book.pinRoster(roster)
  book.addSource({ name: 'patients', path: '/nowhere.csv', overrides: {} })
  book.noteShown(study)
  book.approve({ study, manifest, roster, source: 'patients' })
  book.close()
  new Site(folder, clock).requireVolatile()
  dealTask = { kind: 'deal', study, step: 0, attempt: 0, boxKeys: [] }
})
afterAll(() => federation.stop())

const patience = { timeout: 20_000 }
/** Waits a hundredth of what is asked for. */
const quick: Clock = { now: clock.now, sleep: (ms, signal) => clock.sleep(ms / 100, signal) }

const running = async (queries: () => Promise<SiteQueries>) => {
  const stop = new AbortController()
  const sealing = async () => new SealingWork(await createInsecureRing(), osRandomStreams)
  const ports = { clock: quick, log: pino({ level: 'silent' }), sealing, queries }
  const ended = (await Agent.open(new Site(folder, clock), ports)).run({ untilFinished: false }, stop.signal)
  return async () => {
    stop.abort()
    await ended
  }
}

it('R10 loading: a site asks for work as soon as it is there, however long its table takes to read', async () => {
  let done = (): void => undefined
  const reading = new Promise<SiteQueries>((resolve) => {
    done = () => resolve({ execute: () => Promise.reject(new Error('not asked')), close: async () => {} })
  })
  asked = 0
  const stop = await running(() => reading)
  await vi.waitFor(() => expect(asked).toBeGreaterThan(3), patience)
  // It takes part in what needs no row: deals are made in the meantime.
  task = dealTask
  await vi.waitFor(() => expect(perform).toHaveBeenCalled(), patience)
  task = { kind: 'wait' }
  done()
  await stop()
})

it('a table that cannot be read: nothing is begun that it could not keep, and the site comes back with the table', async () => {
  perform.mockClear()
  let tries = 0
  let isReadable = false
  const queries = async (): Promise<SiteQueries> => {
    tries++
    // A damaged file shows late: meanwhile rounds would be begun.
    await clock.sleep(30)
    if (!isReadable) throw new CodedError('TABLE_INVALID', 'mixed line ends')
    return { execute: () => Promise.reject(new Error('not asked')), close: async () => {} }
  }
  const stop = await running(queries)
  await vi.waitFor(() => expect(tries).toBeGreaterThan(1), patience)
  asked = 0
  task = dealTask
  await vi.waitFor(() => expect(tries).toBeGreaterThan(4), patience)
  expect(asked).toBe(0)
  expect(perform).not.toHaveBeenCalled()
  isReadable = true
  asked = 0
  await vi.waitFor(() => expect(asked).toBeGreaterThan(2), patience)
  task = { kind: 'wait' }
  await stop()
})
