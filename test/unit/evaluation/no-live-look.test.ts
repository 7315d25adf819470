import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { HandClock } from '../../harness/hand-clock.ts'
import { systemClock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { apiBase } from '../../../coordinator/api/schemas.ts'
import { roundsPath, studiesPath } from '../../../coordinator/data-paths.ts'
import { RoundStore } from '../../../coordinator/rounds/round-store.ts'
import { modelWork } from '../../../coordinator/requests/model-work.ts'
import { StudyShelf } from '../../../coordinator/requests/study-shelf.ts'
import { StudyStore } from '../../../coordinator/studies/study-store.ts'
import { completeRun, initialised, publishStudy } from '../../harness/completed-study.ts'
import { type ResearcherApi, researcherApi } from '../../harness/researcher-api.ts'
import { codeOf, root } from '../../harness/sources.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'

describe('R21: counts shown with cohorts come from the released model', () => {
  let dataDir = ''
  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tributary-no-look-'))
  })
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

  it('R21: support, probe, plan and catalogue are there with no hospital in the world, and no socket is opened', async () => {
    const dialled = vi.spyOn(Socket.prototype, 'connect').mockImplementation(() => {
      throw new Error('somebody was dialled')
    })
    const clock = new HandClock()
    await initialised(dataDir, clock)
    const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
    const published = await publishStudy(dataDir, manifest, clock)
    await completeRun(dataDir, published)
    const [studies, rounds] = [StudyStore.open(studiesPath(dataDir)), RoundStore.open(roundsPath(dataDir))]
    const before = rounds.rounds(published.study).length
    try {
      const shelf = new StudyShelf(dataDir, studies, rounds)
      const work = modelWork({ dataDir, shelf, federation: 'test', signer: generateIdentity() })
      // The run's noisy counts were 1, 2, .. 5 thousand: of the bought marginals, level 4 of `a` holds a third.
      const plan = await work.plan(published.study, { rows: 1000, seed: 1, where: "a = '4'" })
      expect(plan.privacy_cost).toBe(0)
      expect(plan.support).toBeGreaterThan(0.3)
      expect(plan.support).toBeLessThan(0.37)
      // From the promises, which are public, not from a count of anybody.
      expect(plan.expected_patients).toBeCloseTo(plan.support * 1500, 6)
      expect((await work.probe(published.study, { rows: 5, seed: 1 })).rows).toHaveLength(5)
      expect((await work.describe(published.study)).promised_patients).toBe(1500)
      // Nothing was asked of anybody: no round was opened for it.
      expect(rounds.rounds(published.study)).toHaveLength(before)
      expect(dialled).not.toHaveBeenCalled()
    } finally {
      dialled.mockRestore()
      studies.close()
      rounds.close()
    }
  })

  /** Files that run when `file` is imported: types are erased, so `import type` reaches nothing. */
  const reached = (file: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(file) || !existsSync(file)) return seen
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    const runtime = text.replace(/^(import|export) type [^;]*?from '[^']+'$/gms, '')
    for (const [, target = ''] of runtime.matchAll(/(?:from|import) '(\.[^']+\.ts)'/g))
      reached(join(dirname(file), target), seen)
    return seen
  }
  const closure = (file: string) => [...reached(join(root, file))].map((path) => relative(root, path))

  it('R21: what answers researchers cannot reach a hospital: no link, no round, no message in its imports', () => {
    const live =
      /^coordinator\/(link|aggregate|federation-handlers|rounds\/(rounds-desk|study-run\.ts|waiters|round-messages))/
    for (const file of ['cohort/plan', 'cohort/cohort', 'release/make-release', 'requests/model-work', 'api/api-app'])
      expect(
        closure(`coordinator/${file}.ts`).filter((path) => live.test(path)),
        file,
      ).toEqual([])
    // The rule sees something: the coordinator itself reaches all of it.
    expect(closure('coordinator/coordinator.ts').filter((path) => live.test(path)).length).toBeGreaterThan(4)
  })
})

describe('R21: nobody sends a model to be tried on patients', () => {
  let api: ResearcherApi
  beforeAll(async () => {
    api = await researcherApi(systemClock)
  })
  afterAll(() => api.close())

  const bodiesOf = (value: unknown): string[][] => {
    if (typeof value !== 'object' || value === null) return []
    const { requestBody, ...rest } = value as { requestBody?: { content?: Record<string, { schema?: object }> } }
    const named = Object.values(requestBody?.content ?? {}).map(({ schema }) =>
      Object.keys((schema as { properties?: object }).properties ?? {}),
    )
    return [...named, ...Object.values(rest).flatMap(bodiesOf)]
  }

  it('R21: all that a researcher can send is an order for synthetic rows', async () => {
    const document = (await api.call('ada', 'GET', `${apiBase}/openapi.json`)).json() as object
    const bodies = bodiesOf(document)
    const known = [
      'reweight',
      'balance',
      'augment',
      'set',
      'generator',
      'rows',
      'seed',
      'where',
      'formats',
      'purpose',
      'idempotency_key',
    ]
    expect(bodies.length).toBeGreaterThan(2)
    expect(bodies.flat().filter((field) => !known.includes(field))).toEqual([])
    for (const field of ['model', 'classifier', 'scorer', 'evaluation', 'query']) {
      const order = { generator: 'tiny', rows: 10, purpose: 'Tests.', [field]: { weights: [1, 2, 3] } }
      const reply = await api.call('ada', 'POST', `${apiBase}/requests`, { body: order })
      expect([reply.status, (reply.json() as { error_code: string }).error_code]).toEqual([400, 'ARGUMENT_INVALID'])
    }
    expect((await api.call('ada', 'POST', `${apiBase}/generators/tiny/evaluate`, { body: {} })).status).toBe(404)
    expect((await api.call('olga', 'POST', `${apiBase}/evaluations`, { body: {} })).status).toBe(404)
  })

  it('R21: no route takes anything but JSON, so no file of weights either', async () => {
    const headers = { 'content-type': 'application/octet-stream' }
    const reply = await api.call('ada', 'POST', `${apiBase}/requests`, { headers, body: Buffer.from('weights') })
    expect((reply.json() as { error_code: string }).error_code).toBe('MEDIA_TYPE_UNSUPPORTED')
    expect(codeOf(readFileSync(join(root, 'coordinator/api/api-app.ts'), 'utf8'))).not.toContain('multipart')
  })
})
