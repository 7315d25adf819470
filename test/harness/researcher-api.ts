import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@tributary/shared/ports'
import { pino } from 'pino'
import { buildApi } from '../../coordinator/api/api-app.ts'
import { GeneratorCatalogue } from '../../coordinator/api/generator-catalogue.ts'
import { roundsPath, studiesPath } from '../../coordinator/data-paths.ts'
import { RequestRunner } from '../../coordinator/requests/request-runner.ts'
import { RequestStore, requestsPath } from '../../coordinator/requests/request-store.ts'
import { RetiredGenerators, retiredGeneratorsPath } from '../../coordinator/requests/retired-generators.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { StudyStore } from '../../coordinator/studies/study-store.ts'
import { UserStore, usersPath } from '../../coordinator/users/user-store.ts'
import { completeRun, initialised, publishStudy } from './completed-study.ts'
import { tinyStudy } from './tiny-study.ts'
import { toyCohortWork } from './toy-cohort-work.ts'

/**
 * The researchers' API over real stores with one completed study, `tiny`, and one that has not run, `waiting`; cohort work is a toy. `ada` and `bob` are
 * researchers, `olga` an operator. Nothing makes requests until `runOne`.
 */
export const researcherApi = async (clock: Clock) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tributary-api-'))
  const { identity, federation } = await initialised(dataDir, clock)
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const published = await publishStudy(dataDir, manifest, clock)
  await publishStudy(dataDir, { ...manifest, name: 'waiting' }, clock)
  await completeRun(dataDir, published)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  const users = UserStore.open(usersPath(dataDir))
  const requests = RequestStore.open(requestsPath(dataDir))
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => lines.push(line) })
  const work = toyCohortWork(dataDir)
  const retired = RetiredGenerators.open(retiredGeneratorsPath(dataDir))
  const catalogue = new GeneratorCatalogue({ studies, rounds, retired, work, log })
  const runner = new RequestRunner({ dataDir, store: requests, work, clock, log })
  const parts = {
    dataDir,
    federation,
    signingKey: identity.publicKey,
    users,
    requests,
    runner,
    work,
    catalogue,
    clock,
    log,
  }
  const app = await buildApi(parts)
  const tokens = {
    ada: users.add('ada', 'researcher', clock.now()),
    bob: users.add('bob', 'researcher', clock.now()),
    olga: users.add('olga', 'operator', clock.now()),
  }
  const call = async (
    who: keyof typeof tokens | null,
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const authorization = who === null ? {} : { authorization: `Bearer ${tokens[who]}` }
    const response = await app.inject({
      method,
      url,
      headers: { ...authorization, ...options.headers },
      ...(options.body !== undefined && { payload: options.body as object }),
    })
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      json: () => response.json(),
      bytes: response.rawPayload,
    }
  }
  return {
    ...parts,
    app,
    retired,
    published,
    tokens,
    lines,
    call,
    /** Takes the queue forward until nothing is left in it. */
    runOne: async () => {
      const end = new AbortController()
      const running = runner.run(end.signal)
      while (requests.next() !== undefined) await new Promise((resolve) => setImmediate(resolve))
      end.abort()
      await running
    },
    close: async () => {
      await app.close()
      for (const part of [studies, rounds, users, requests, retired]) part.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export type ResearcherApi = Awaited<ReturnType<typeof researcherApi>>
