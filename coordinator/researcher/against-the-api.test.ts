import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@tributary/shared/system/clock'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { completeRun, initialised, publishStudy } from '../../test/harness/completed-study.ts'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { tributary } from '../../test/harness/tributary.ts'
import type { ReleaseManifest } from '../release/release-schema.ts'
import { buildApi } from '../api/api-app.ts'
import { GeneratorCatalogue } from '../api/generator-catalogue.ts'
import { roundsPath, studiesPath } from '../data-paths.ts'
import { modelWork } from '../requests/model-work.ts'
import { RequestRunner } from '../requests/request-runner.ts'
import { RequestStore, requestsPath } from '../requests/request-store.ts'
import { StudyShelf } from '../requests/study-shelf.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { StudyStore } from '../studies/study-store.ts'
import { UserStore, usersPath } from '../users/user-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-journey-'))
const dataDir = join(folder, 'coordinator')
const home = join(folder, 'home')
const ends: (() => unknown)[] = []
let url = ''
let token = ''
const run = (...words: string[]) => tributary({ home, input: token, clock: systemClock })(...words)

/** A coordinator with one completed study, over real stores and the real model; only its hospitals are made up. */
beforeAll(async () => {
  const clock = systemClock
  const { identity, federation } = await initialised(dataDir, clock)
  const tiny = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const manifest = { ...tiny, cohort_floor: 50 }
  await completeRun(dataDir, await publishStudy(dataDir, manifest, clock))
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  const users = UserStore.open(usersPath(dataDir))
  const requests = RequestStore.open(requestsPath(dataDir))
  const log = pino({ level: 'silent' })
  const shelf = new StudyShelf(dataDir, studies, rounds)
  const work = modelWork({ dataDir, shelf, federation, signer: identity })
  const runner = new RequestRunner({ dataDir, store: requests, work, clock, log })
  const catalogue = new GeneratorCatalogue({ studies, rounds, work, log })
  const stores = { users, requests, runner, work, catalogue }
  const app = await buildApi({ dataDir, federation, signingKey: identity.publicKey, ...stores, clock, log })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  token = users.add('ada', 'researcher', clock.now())
  const stop = new AbortController()
  const running = runner.run(stop.signal)
  ends.push(
    () => app.close(),
    () => stop.abort(),
    () => running,
    ...[studies, rounds, users, requests].map((store) => () => store.close()),
  )
})
afterAll(async () => {
  for (const end of ends) await end()
  rmSync(folder, { recursive: true })
})

it('a researcher goes from login to a verified release', async () => {
  const ok = async (...words: string[]) => {
    const ran = await run(...words)
    expect({ ...ran, words }, ran.err + ran.out).toMatchObject({ code: 0 })
    return ran
  }
  await ok('login', '--server', url, '--token-file', '-')
  const { out: list } = await ok('catalog')
  expect(list).toContain('tiny')
  const detail = (await ok('catalog', 'tiny', '--json')).envelope().data
  const { columns } = detail as { columns: { name: string; levels: string[] }[] }
  const [column] = columns
  const where = `${column!.name} = "${column!.levels[0]}"`
  await ok('probe', 'tiny', '--where', where, '-n', '3')
  const plan = (await ok('plan', 'tiny', '-n', '50', '--where', where, '--json')).envelope().data
  expect(plan).toMatchObject({ rows: 50, privacy_cost: 0 })
  const refused = await run('plan', 'tiny', '-n', '50', '--where', 'nonsense = 1', '--json')
  expect(refused.code).toBe(4)
  expect(refused.envelope()).toMatchObject({ error_code: 'CONDITION_INVALID', place: { field: 'where' } })

  const words = [
    'request',
    'tiny',
    '-n',
    '50',
    '--where',
    where,
    '--seed',
    '7',
    '--purpose',
    'a test',
    '--wait',
    '--json',
  ]
  const request = (await ok(...words)).envelope().data
  expect(request).toMatchObject({ state: 'done', rows: 50, seed: 7 })
  const id = String(request?.['request']).slice(0, 12)
  expect((await ok('status', id)).out).toMatch(/state +done/)
  expect((await ok('report', id)).out).toMatch(/SYNTHETIC +release rel-/)
  const target = join(folder, 'release')
  await ok('download', id, '--out', target)
  expect(readdirSync(target)).toContain('attestation.dsse.json')
  expect(readFileSync(join(target, 'data/cohort.csv'), 'utf8').trim().split('\n')).toHaveLength(51)
  expect((await ok('verify', target)).out).toContain('SYNTHETIC')

  const again = join(folder, 'again')
  const csv = readFileSync(join(target, 'data/cohort.csv'))
  mkdirSync(join(`${again}.part`, 'data'), { recursive: true })
  writeFileSync(join(`${again}.part`, 'data/cohort.csv'), csv.subarray(0, 100))
  const asked = vi.spyOn(globalThis, 'fetch')
  await ok('download', id, '--out', again)
  const answers = await Promise.all(asked.mock.results.map(({ value }) => value as Promise<Response>))
  const parts = answers.filter(({ status }) => status === 206).map(({ headers }) => headers.get('content-range'))
  expect(parts).toEqual([`bytes 100-${csv.length - 1}/${csv.length}`])
  asked.mockRestore()
  expect(readFileSync(join(again, 'data/cohort.csv')).equals(csv)).toBe(true)

  expect((await ok(...words)).envelope().data).toMatchObject({ request: request?.['request'], repeated: true })
  expect((await run('cancel', id)).code).toBe(1)
  expect((await ok('cancel', id, '--delete-release')).out).toMatch(/state +deleted/)
  expect((await run('download', id, '--out', join(folder, 'gone'), '--json')).envelope()).toMatchObject({
    error_code: 'REQUEST_WITHDRAWN',
  })
  const { request: next, state } = (await ok(...words)).envelope().data ?? {}
  expect(next).not.toBe(request?.['request'])
  expect(state).toBe('done')
})

it('a researcher asks for shares and for a what-if, and finds them in what they get', async () => {
  const asked = async (name: string, ...words: string[]) => {
    const ran = await run(
      'request',
      'tiny',
      '-n',
      '600',
      '--seed',
      '7',
      '--purpose',
      name,
      '--format',
      'csv,parquet',
      '--wait',
      '--json',
      ...words,
    )
    expect(ran.code, ran.err + ran.out).toBe(0)
    const id = String(ran.envelope().data?.['request'])
    const target = join(folder, name)
    expect((await run('download', id, '--out', target)).code).toBe(0)
    expect((await run('verify', target)).code).toBe(0)
    const [, ...lines] = readFileSync(join(target, 'data/cohort.csv'), 'utf8').trim().split('\n')
    const release = JSON.parse(readFileSync(join(target, 'release.json'), 'utf8')) as ReleaseManifest
    return {
      rows: lines.map((line) => line.split(',')),
      release,
      page: readFileSync(join(target, 'report.html'), 'utf8'),
    }
  }
  const shares = ['--reweight', 'a = 1:0.5', '--reweight', 'b IN (1, 2, 3):25%']
  const first = await asked('shares', ...shares)
  expect(first.rows.filter(([a]) => a === '1').length).toBe(300)
  expect(first.rows.filter(([, b]) => ['1', '2', '3'].includes(b!)).length).toBe(150)
  const { request, outcome, data } = first.release
  expect(request).toMatchObject({
    reweight: [
      { condition: 'a = 1', share: 0.5 },
      { condition: 'b IN (1, 2, 3)', share: 0.25 },
    ],
    order_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(outcome).toMatchObject({
    cohort_floor: 50,
    strata: expect.arrayContaining([expect.objectContaining({ condition: 'a = 1 AND b IN (1, 2, 3)' })]),
  })
  expect(first.page).toContain('a = 1 AND b IN (1, 2, 3)')
  expect(first.release.reproduce[0]).toContain("--reweight 'a = 1:0.5' --reweight 'b IN (1, 2, 3):0.25'")
  const again = await asked('shares-again', ...shares)
  expect(again.release.data.rows_sha256).toBe(data.rows_sha256)
  expect(again.release.request.order_sha256).toBe(request.order_sha256)

  const [base, set] = [await asked('base'), await asked('set', '--set', 'b = 3')]
  expect(set.rows.map(([a]) => a)).toEqual(base.rows.map(([a]) => a))
  expect(new Set(set.rows.map(([, b]) => b))).toEqual(new Set(['3']))
  expect(set.release.request.order_sha256).not.toBe(base.release.request.order_sha256)
  expect(set.page).toContain('not an effect on patients')

  const refused = await run('plan', 'tiny', '-n', '50', '--reweight', 'a = 1:0.7', '--reweight', 'a = 2:0.7', '--json')
  expect(refused.code).toBe(4)
  expect(refused.envelope()).toMatchObject({ error_code: 'SHARES_IMPOSSIBLE', place: { field: 'reweight.1.share' } })
  const few = await run('request', 'tiny', '-n', '50', '--where', 'a = 1 AND b = 2', '--purpose', 'few', '--json')
  expect(few.code).toBe(6)
  expect(few.envelope()).toMatchObject({
    error_code: 'COHORT_TOO_SMALL',
    place: { field: 'where' },
    message: expect.stringMatching(/^a = 1 AND b = 2: about \d\d of the patients promised.*the study's floor is 50$/),
  })
})

it('somebody else sees nothing of it', async () => {
  const other = tributary({ home: join(folder, 'other'), input: 'nobodys-token' })
  expect((await other('login', '--server', url, '--token-file', '-', '--json')).envelope()).toMatchObject({
    error_code: 'LOGIN_REFUSED',
  })
})
