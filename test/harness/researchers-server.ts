import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type ErrorCode, httpStatus } from '@tributary/shared/errors'
import { fingerprint, generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import type * as z from 'zod'
import * as api from '../../coordinator/api/schemas.ts'
import { sha256, signedRelease } from './signed-release.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

type Handler = (asked: Asked, response: ServerResponse) => void

/** A JSON answer that its schema admits, as a server must give it. */
export const answer =
  <T>(schema: z.ZodType<unknown, T>, body: T, status = 200): Handler =>
  (_asked, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(schema.parse(body)))
  }

export const problem = (
  code: string,
  detail = 'no',
  field?: string,
  status = httpStatus(code as ErrorCode),
): Handler => {
  const body = { type: 'about:blank', title: 'Problem', status, detail, error_code: code, hint: `hint for ${code}` }
  return (_asked, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(api.problemSchema.parse(field === undefined ? body : { ...body, field })))
  }
}

export const token = 'trib_0123456789abcdef-secret'
const study = 'c0ffee'.padEnd(64, '0')
const otherStudy = 'c0ffff'.padEnd(64, '0')
export const requestId = 'req-8kq2aaaaaaaaaaaa'
export const releaseId = 'rel-77zzaaaaaaaaaaaa'

const generator = (name: string, id: string): z.input<typeof api.generatorSchema> => ({
  generator: name,
  study: id,
  purpose: 'progression of kidney disease',
  sites: ['north', 'lake', 'river'],
  promised_patients: 12_345,
  epsilon: { public: 1, peer: 1.3 },
  delta: 1e-6,
  unit: 'patient',
  completed: '2026-11-20T08:00:00.000Z',
})

const detail: z.input<typeof api.generatorDetailSchema> = {
  ...generator('ckd-2027', study),
  estimand: 'the mean over hospitals of their patients',
  columns: [
    { name: 'diabetes', position: 1, handling: 'exact', missing: false, kind: 'categorical', levels: ['no', 'yes'] },
    {
      name: 'age',
      position: 0,
      handling: 'weighted',
      missing: true,
      kind: 'numeric',
      bins: [18, 40, 60],
      maximum: 99,
      integer: true,
    },
  ],
  odds: { public: '50 % before -> at most 74 % after', peer: '50 % before -> at most 79 % after' },
  model_sha256: 'b'.repeat(64),
}

export const planned: z.input<typeof api.cohortPlanSchema> = {
  rows: 5000,
  seed: 7,
  where: 'age >= 60',
  handling: 'weighted',
  columns: [{ name: 'age', handling: 'weighted' }],
  support: 0.081,
  support_standard_error: 0.0012,
  expected_patients: 999.9,
  effective_sample_size: 3870.4,
  largest_weight: 3.21,
  draws: 61_728,
  warnings: [{ code: 'SUPPORT_THIN', message: 'age above 90: hardly anybody behind it' }],
  privacy_cost: 0,
}

export const requestView = (changes: Partial<api.CohortRequest> = {}): api.CohortRequest => ({
  request: requestId,
  user: 'ada',
  generator: 'ckd-2027',
  study,
  state: 'queued',
  rows: 5000,
  rows_done: 0,
  seed: 7,
  where: 'age >= 60',
  purpose: 'sample size',
  formats: ['csv'],
  created: '2026-11-22T10:00:00.000Z',
  ...changes,
})

/** A coordinator as a researcher sees it: every answer fits the API's schemas. `routes` may be replaced, `METHOD path`. */
export class ResearchersServer {
  readonly asked: Asked[] = []
  readonly routes = new Map<string, Handler>()
  readonly identity: IdentityKey = generateIdentity()
  readonly url: string
  readonly #server: Server

  private constructor(server: Server, scheme: string) {
    this.#server = server
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.reset()
  }

  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<ResearchersServer> {
    let serve: RequestListener = () => undefined
    const listener: RequestListener = (request, response) => serve(request, response)
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const made = new ResearchersServer(server, tls === undefined ? 'http' : 'https')
    serve = (request, response) => void made.#serve(request, response)
    return made
  }

  get fingerprint(): string {
    return fingerprint(this.identity.publicKey)
  }

  /** Everything works, and one request is done. */
  reset(): void {
    this.asked.length = 0
    this.routes.clear()
    const on = (route: string, handler: Handler) => this.routes.set(route, handler)
    this.showKey(this.identity)
    on('GET /v1/whoami', answer(api.whoamiSchema, { user: 'ada', role: 'researcher' }))
    const generators = [generator('ckd-2027', study), generator('ckd-2028', otherStudy)]
    on('GET /v1/generators', answer(api.generatorsSchema, { generators }))
    on(`GET /v1/generators/${study}`, answer(api.generatorDetailSchema, detail))
    on(
      `POST /v1/generators/${study}/probe`,
      answer(api.probeSchema, {
        columns: ['age', 'note'],
        rows: [
          ['61', 'plain'],
          ['7', 'a "quoted", cell'],
        ],
        seed: 0,
        notice: 'Synthetic: no row is a patient.',
      }),
    )
    on(`POST /v1/generators/${study}/plan`, answer(api.cohortPlanSchema, planned))
    on('POST /v1/requests', answer(api.requestSchema, requestView(), 201))
    this.showRequest(requestView({ state: 'done', rows_done: 5000, release: releaseId }))
    const time = '2026-11-22T11:00:00.000Z'
    const deleted = requestView({ state: 'deleted', rows_done: 5000, finished: time, deleted: time })
    on(`DELETE /v1/requests/${requestId}`, answer(api.requestSchema, deleted))
    this.serveRelease(signedRelease(releaseId, this.identity))
  }

  showKey({ publicKey }: IdentityKey): void {
    const signing_key = { fingerprint: fingerprint(publicKey), public_key: Buffer.from(publicKey).toString('base64') }
    const health = { status: 'ok' as const, version: '0.1.0', federation: 'Rhine', signing_key }
    this.routes.set('GET /v1/health', answer(api.healthSchema, health))
  }

  /** The one request there is; `later` are its states at the questions that follow. */
  showRequest(...states: readonly api.CohortRequest[]): void {
    const [first] = states
    const waiting = [...states]
    this.routes.set('GET /v1/requests', answer(api.requestsSchema, { requests: first === undefined ? [] : [first] }))
    this.routes.set(`GET /v1/requests/${requestId}`, (asked, response) => {
      const next = waiting.length > 1 ? waiting.shift() : waiting[0]
      answer(api.requestSchema, next ?? requestView())(asked, response)
    })
  }

  /** `listed`, when other than what is sent, is what the listing says. */
  serveRelease(files: ReadonlyMap<string, Buffer>, listed = files): void {
    const base = `GET /v1/releases/${releaseId}`
    const list = [...listed].map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: sha256(bytes) }))
    this.routes.set(base, answer(api.releaseListingSchema, { release: releaseId, request: requestId, files: list }))
    for (const [name, bytes] of files) this.routes.set(`${base}/files/${name}`, send(bytes))
    for (const name of ['report.json', 'report.html'])
      this.routes.set(`${base}/${name.replace('.json', '')}`, send(files.get(name) ?? Buffer.of()))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
    const method = request.method ?? ''
    const asked = { method, path, headers: request.headers, body: text === '' ? undefined : JSON.parse(text) }
    this.asked.push(asked)
    const isOpen = path === '/v1/health' || request.headers.authorization === `Bearer ${token}`
    const handler = this.routes.get(`${method} ${path}`) ?? problem('NOT_FOUND', 'no such thing')
    const chosen = isOpen ? handler : problem('LOGIN_REFUSED', 'no such token')
    chosen(asked, response)
  }
}

/** With the parts that `Range` asks for, where `If-Range` names the file's hash. */
const send =
  (bytes: Buffer): Handler =>
  ({ headers }, response) => {
    const etag = `"${sha256(bytes)}"`
    const start = headers['if-range'] === etag ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0
    const part = start === 0 ? {} : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(start === 0 ? 200 : 206, { etag, 'content-length': bytes.length - start, ...part })
    response.end(bytes.subarray(start))
  }
