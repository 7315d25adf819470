import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Logger } from 'pino'
import { CohortThread } from '../requests/cohort-thread.ts'
import { estimatedBytes, floorBytes, freeBytes } from '../requests/disk-room.ts'
import { RequestRunner } from '../requests/request-runner.ts'
import type { RequestFacts } from '../requests/request-state.ts'
import { RequestStore, requestsPath } from '../requests/request-store.ts'
import { RetiredGenerators, retiredGeneratorsPath } from '../requests/retired-generators.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { StudyStore } from '../studies/study-store.ts'
import { UserStore, usersPath } from '../users/user-store.ts'
import { buildApi } from './api-app.ts'
import type { Api } from './api-parts.ts'
import { GeneratorCatalogue } from './generator-catalogue.ts'
import { type HttpAddress, httpAddress, refuseOpenWire, urlOf } from './http-address.ts'

/** Where the API listens; a certificate and its key (PEM files) make it TLS 1.3. */
export interface ApiSettings {
  readonly address: string
  readonly certificateFile?: string
  readonly keyFile?: string
}

export interface ApiServerParts {
  readonly dataDir: string
  readonly federation: string
  /** Raw Ed25519: signs the releases. */
  readonly signingKey: Uint8Array
  readonly studies: StudyStore
  readonly rounds: RoundStore
  readonly clock: Clock
  readonly log: Logger
}

export interface ApiServer {
  /** `http://127.0.0.1:7480`. */
  readonly url: string
  /** Ends calls and the making of requests where they are; a request in the making is started again by the next server. */
  stop(): Promise<void>
}

const invalid = (field: string, why: string, cause?: unknown): CodedError =>
  new CodedError('CONFIG_INVALID', why, { place: { field }, cause })

const readPem = (file: string, field: string): Buffer => {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw invalid(field, 'the file cannot be read', cause)
  }
}

const readTls = ({ certificateFile, keyFile }: ApiSettings) => {
  if (certificateFile === undefined && keyFile === undefined) return undefined
  if (certificateFile === undefined) throw invalid('--http-cert', 'a key without its certificate')
  if (keyFile === undefined) throw invalid('--http-key', 'a certificate without its key')
  const tls = { cert: readPem(certificateFile, '--http-cert'), key: readPem(keyFile, '--http-key') }
  try {
    createSecureContext(tls)
  } catch (cause) {
    throw invalid('--http-cert', 'not a certificate and its key in PEM', cause)
  }
  return tls
}

const listen = async (app: Api, { host, port }: HttpAddress): Promise<HttpAddress> => {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw invalid('--http', `cannot listen there: ${code}`, cause)
  }
  return { host, port: (app.server.address() as AddressInfo).port }
}

/**
 * Serves researchers: the API on its own port, and the queue of requests behind it in threads of their own, so that rounds never
 * wait for either. Throws `CONFIG_INVALID` for an address that is taken, or that is not loopback and has no certificate.
 */
export const startApi = async (settings: ApiSettings, parts: ApiServerParts): Promise<ApiServer> => {
  const { dataDir, studies, rounds, clock, log } = parts
  const wanted = httpAddress(settings.address)
  const tls = readTls(settings)
  refuseOpenWire(wanted, tls !== undefined)
  const users = UserStore.open(usersPath(dataDir))
  const requests = RequestStore.open(requestsPath(dataDir))
  // Questions are answered beside the making of releases, which may take minutes each.
  const [questions, releases] = [new CohortThread(dataDir), new CohortThread(dataDir)]
  const retired = RetiredGenerators.open(retiredGeneratorsPath(dataDir))
  const catalogue = new GeneratorCatalogue({ studies, rounds, retired, work: questions, log })
  const hasRoom = async (facts: RequestFacts): Promise<boolean> => {
    // One that cannot be described is for the making itself to refuse.
    const bytes = await catalogue.describe(facts.study).then(
      (card) => estimatedBytes(card, facts),
      () => 0,
    )
    return (await freeBytes(dataDir)) >= floorBytes + bytes
  }
  const runner = new RequestRunner({ dataDir, store: requests, work: releases, hasRoom, clock, log })
  const app = await buildApi({ ...parts, users, requests, runner, work: questions, catalogue }, tls)
  const end = new AbortController()
  const running = runner.run(end.signal)
  const stop = async (): Promise<void> => {
    end.abort()
    await app.close()
    await Promise.all([questions.stop(), releases.stop()])
    await running
    users.close()
    requests.close()
    retired.close()
  }
  try {
    return { url: urlOf(await listen(app, wanted), tls !== undefined), stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}
