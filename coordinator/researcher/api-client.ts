import type * as z from 'zod'
import { apiBase } from '../api/schemas.ts'
import { connectionError, misfit, refusalOf } from './api-error.ts'

export interface ApiAddress {
  /** As `serverAddress` gives it. */
  readonly server: string
  /** Left out for what anybody may ask. */
  readonly token?: string
}

export interface ApiRequest {
  /** POST with a body, else GET, unless given. */
  readonly method?: 'DELETE'
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface ApiStream {
  readonly body: ReadableStream<Uint8Array>
  /** Of its first byte in the whole file. */
  readonly offset: number
}

/** A quiet server is given up after this long, unless --timeout says otherwise; a `plan` of a rare condition takes a minute. */
const patience = 120_000

/** A path below the API's base; parts from elsewhere are encoded, so that none can leave its place. */
export const apiPath = (...parts: readonly string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part)}`).join('')

/**
 * The researchers' HTTP API. Every method throws a CodedError: the server's own problem, `UNAVAILABLE`, `TLS_REFUSED`,
 * `DEADLINE_PASSED`, or `PROTOCOL_UNSUPPORTED` for an answer of another shape. Follows no redirect: the token is for one host.
 */
export class ApiClient {
  readonly #fetch: typeof globalThis.fetch
  readonly #address: ApiAddress
  readonly #deadline: AbortSignal | undefined

  /** `milliseconds` bounds everything that this client does, from now on. */
  constructor(fetch: typeof globalThis.fetch, address: ApiAddress, milliseconds?: number) {
    this.#fetch = fetch
    this.#address = address
    this.#deadline = milliseconds === undefined ? undefined : AbortSignal.timeout(milliseconds)
  }

  get isOverdue(): boolean {
    return this.#deadline?.aborted === true
  }

  /** For a wait between two questions: ends it at the deadline. */
  get deadline(): AbortSignal | undefined {
    return this.#deadline
  }

  /** The JSON answer in its schema's shape. */
  async json<T>(path: string, schema: z.ZodType<T>, request: ApiRequest = {}): Promise<T> {
    const response = await this.#send(path, request, this.#deadline ?? AbortSignal.timeout(patience))
    const parsed = schema.safeParse(await this.#jsonBody(response))
    if (parsed.success) return parsed.data
    throw misfit(
      'the coordinator answers in a shape that this program does not know',
      parsed.error.issues[0]?.path.join('.'),
    )
  }

  /**
   * A body as it comes, from byte `from.offset` on where the server still has the very file of `from.etag`: else the whole of it,
   * `offset` 0. Read it with `connectionError` around: the connection may break in the middle.
   */
  async stream(path: string, from?: { readonly offset: number; readonly etag: string }): Promise<ApiStream> {
    const headers = from === undefined ? {} : { range: `bytes=${from.offset}-`, 'if-range': from.etag }
    const { status, body, headers: answered } = await this.#send(path, { headers }, this.#deadline)
    const start = /^bytes (\d+)-/.exec(answered.get('content-range') ?? '')?.[1]
    if (status === 206 && Number(start) !== from?.offset)
      throw misfit('the coordinator sends another part of the file than the one asked for')
    return { body: body ?? new Blob([]).stream(), offset: status === 206 ? Number(start) : 0 }
  }

  async text(path: string): Promise<string> {
    const response = await this.#send(path, {}, this.#deadline ?? AbortSignal.timeout(patience))
    return this.#caught(() => response.text())
  }

  async #send(path: string, { method, body, headers }: ApiRequest, signal: AbortSignal | undefined): Promise<Response> {
    const { server, token } = this.#address
    const response = await this.#caught(() =>
      this.#fetch(`${server}${apiBase}${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        redirect: 'manual',
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      }),
    )
    if (response.status < 300) return response
    throw refusalOf(response.status, await this.#jsonBody(response))
  }

  /** undefined for a body that is not JSON. */
  async #jsonBody(response: Response): Promise<unknown> {
    const text = await this.#caught(() => response.text())
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }

  async #caught<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw connectionError(thrown, this.#address.server)
    }
  }
}
