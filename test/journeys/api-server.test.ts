import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { fingerprint } from '@tributary/shared/wire/signed'
import { systemClock as clock } from '@tributary/shared/system/clock'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { completeRun, initialised, publishStudy } from '../harness/completed-study.ts'
import { tinyStudy } from '../harness/tiny-study.ts'
import { releaseFolder, roundsPath, studiesPath } from '../../coordinator/data-paths.ts'
import type { Federation } from '../../coordinator/enrolment/federation-directory.ts'
import { verifyRelease } from '../../coordinator/release/verify-release.ts'
import { CohortThread } from '../../coordinator/requests/cohort-thread.ts'
import { RequestStore, requestsPath } from '../../coordinator/requests/request-store.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { StudyStore } from '../../coordinator/studies/study-store.ts'
import { UserStore, usersPath } from '../../coordinator/users/user-store.ts'
import { type ApiServer, type ApiSettings, startApi } from '../../coordinator/api/api-server.ts'
import {
  cohortPlanSchema,
  generatorDetailSchema,
  probeSchema,
  type CohortRequest,
  releaseListingSchema,
  requestSchema,
} from '../../coordinator/api/schemas.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tributary-server-'))
const file = (name: string) => join(dataDir, name)
const loopback = '127.0.0.1:0'
let federation: Federation
let studies: StudyStore
let rounds: RoundStore
let token: string

beforeAll(async () => {
  federation = await initialised(dataDir, clock)
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  await completeRun(dataDir, await publishStudy(dataDir, manifest, clock))
  studies = StudyStore.open(studiesPath(dataDir))
  rounds = RoundStore.open(roundsPath(dataDir))
  const users = UserStore.open(usersPath(dataDir))
  token = users.add('ada', 'researcher', clock.now())
  users.close()
  writeFileSync(file('cert.pem'), federation.server.certificate)
  writeFileSync(file('key.pem'), federation.server.key)
})
afterAll(() => {
  studies.close()
  rounds.close()
  rmSync(dataDir, { recursive: true })
})

const start = (settings: ApiSettings) =>
  startApi(settings, {
    dataDir,
    federation: 'test',
    signingKey: federation.identity.publicKey,
    studies,
    rounds,
    clock,
    log: pino({ level: 'silent' }),
  })

const bytesOf = (folder: string): Record<string, string> => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(paths.map((path) => [path, hashBytes(readFileSync(path))]))
}

const withApi = async (settings: ApiSettings, work: (api: ApiServer) => Promise<void>): Promise<void> => {
  const api = await start(settings)
  try {
    await work(api)
  } finally {
    await api.stop()
  }
}

const caller =
  ({ url }: ApiServer) =>
  async (path: string, body?: object) => {
    const response = await fetch(`${url}/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(await response.text())
    return response
  }

describe('the API on a port of its own', () => {
  it('answers on loopback, from the real model, in threads beside', async () => {
    await withApi({ address: loopback }, async (api) => {
      expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
      const call = caller(api)
      const card = generatorDetailSchema.parse(await (await call('/generators/tiny')).json())
      expect(card).toMatchObject({
        sites: ['ash', 'birch', 'cedar'],
        promised_patients: 1500,
        unit: 'row',
        completed: '1970-01-01T00:00:03.000Z',
      })
      expect(card.columns.map(({ name }) => name)).toEqual(['a', 'b'])
      const order = { rows: 5, where: 'a IN (3, 4)' }
      const probe = probeSchema.parse(await (await call('/generators/tiny/probe', order)).json())
      expect(probe.rows).toHaveLength(5)
      expect(probe.rows.every(([a = '', b = '']) => /^[34]$/.test(a) && /^[0-4]$/.test(b))).toBe(true)
      const plan = cohortPlanSchema.parse(
        await (await call('/generators/tiny/plan', { rows: 50, where: 'a = 4' })).json(),
      )
      expect(plan).toMatchObject({ where: 'a = 4', handling: 'exact' })
      expect(plan.support).toBeGreaterThan(0.2)
    })
  })

  it('makes a release that verifies, and makes it again from the same request', async () => {
    const api = await start({ address: loopback })
    const call = caller(api)
    const asked = { generator: 'tiny', rows: 400, seed: 5, where: 'a IN (3, 4)', purpose: 'to test' }
    let state: CohortRequest = requestSchema.parse(await (await call('/requests', asked)).json())
    while (state.state === 'queued' || state.state === 'running') {
      await clock.sleep(50)
      state = requestSchema.parse(await (await call(`/requests/${state.request}`)).json())
    }
    expect(state).toMatchObject({ state: 'done', rows_done: 400 })
    const listing = releaseListingSchema.parse(await (await call(`/releases/${state.release}`)).json())
    expect(listing.files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['data/cohort.csv', 'data/cohort.parquet', 'release.json', 'report.html']),
    )
    const csv = await (await call(`/releases/${state.release}/files/data/cohort.csv`)).text()
    expect(csv.trimEnd().split('\n')).toHaveLength(401)
    await api.stop()
    const folder = releaseFolder(dataDir, listing.release)
    const trusted = fingerprint(federation.identity.publicKey)
    expect(await verifyRelease(folder, { trusted })).toMatchObject({ ok: true, signature: 'trusted' })

    const before = bytesOf(folder)
    rmSync(folder, { recursive: true })
    const requests = RequestStore.open(requestsPath(dataDir))
    const thread = new CohortThread(dataDir)
    await thread.release(requests.request(state.request).facts, () => {})
    await thread.stop()
    requests.close()
    expect(Object.keys(before)).toHaveLength(listing.files.length)
    expect(bytesOf(folder)).toEqual(before)
  })

  it('says that it is out of order while its keys are away, without a word about them, and goes on when they are back', async () => {
    await withApi({ address: loopback }, async ({ url }) => {
      const ask = (path: string, body?: object) =>
        fetch(`${url}/v1${path}`, {
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            authorization: `Bearer ${token}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
      renameSync(file('keys'), file('keys-away'))
      const order = { generator: 'tiny', rows: 5, purpose: 'to test' }
      const { request } = requestSchema.parse(await (await ask('/requests', order)).json())
      const stateOf = async () => requestSchema.parse(await (await ask(`/requests/${request}`)).json())
      try {
        for (const response of [
          await ask('/generators'),
          await ask('/generators/tiny'),
          await ask('/generators/tiny/plan', { rows: 5 }),
        ]) {
          const text = await response.text()
          expect([response.status, JSON.parse(text).error_code]).toEqual([503, 'UNAVAILABLE'])
          expect(text).not.toMatch(/keys|pem|sqlite|tributary-server|coordinator (init|up)/)
          expect(JSON.parse(text).hint).toMatch(/operator/)
        }
        while ((await stateOf()).waiting_for === undefined) await clock.sleep(20)
        expect(await stateOf()).toMatchObject({ state: 'queued', waiting_for: 'coordinator' })
      } finally {
        renameSync(file('keys-away'), file('keys'))
      }
      expect((await ask('/generators')).status).toBe(200)
      expect((await ask('/generators/tiny/plan', { rows: 5 })).status).toBe(200)
      const cancelled = await fetch(`${url}/v1/requests/${request}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${token}` },
      })
      expect(requestSchema.parse(await cancelled.json())).toMatchObject({ state: 'cancelled' })
    })
  })

  it('is encrypted with a certificate, by TLS 1.3 and nothing older', async () => {
    const settings = { address: loopback, certificateFile: file('cert.pem'), keyFile: file('key.pem') }
    await withApi(settings, async ({ url }) => {
      expect(url).toMatch(/^https:/)
      const { port } = new URL(url)
      const ca = federation.authority.certificate
      const body = await new Promise<string>((resolve, reject) => {
        const call = request(`${url}/v1/health`, { ca }, (response) => {
          let text = ''
          response
            .setEncoding('utf8')
            .on('data', (part: string) => (text += part))
            .on('end', () => resolve(text))
        })
        call.on('error', reject).end()
      })
      expect(JSON.parse(body)).toMatchObject({ status: 'ok', federation: 'test' })
      const older = await new Promise<string>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port: Number(port), ca, maxVersion: 'TLSv1.2' }, () =>
          resolve(`connected by ${socket.getProtocol()}`),
        )
        socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
      })
      expect(older).toMatch(/PROTOCOL_VERSION/)
    })
  })

  it('refuses to start where tokens would cross a wire in the clear, or that is taken', async () => {
    const certificateFile = file('cert.pem')
    const keyFile = file('key.pem')
    const refused = (settings: ApiSettings) =>
      start(settings).then(
        (api) => api.stop().then(() => undefined),
        (error: { code: string; place: { field: string } }) => [error.code, error.place.field],
      )
    expect(await refused({ address: '0.0.0.0:0' })).toEqual(['CONFIG_INVALID', '--http'])
    expect(await refused({ address: '0.0.0.0:0', certificateFile })).toEqual(['CONFIG_INVALID', '--http-key'])
    expect(await refused({ address: loopback, keyFile })).toEqual(['CONFIG_INVALID', '--http-cert'])
    expect(await refused({ address: loopback, keyFile, certificateFile: file('none') })).toEqual([
      'CONFIG_INVALID',
      '--http-cert',
    ])
    expect(await refused({ address: loopback, keyFile: certificateFile, certificateFile })).toEqual([
      'CONFIG_INVALID',
      '--http-cert',
    ])
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? address?.port : 0
    expect(await refused({ address: `127.0.0.1:${port}` })).toEqual(['CONFIG_INVALID', '--http'])
    taken.close()
    expect(await refused({ address: '0.0.0.0:0', certificateFile, keyFile })).toBeUndefined()
  })
})
