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
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
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

  /** The JSON answer in its schema's shape. A body makes it a POST. */
  async json<T>(path: string, schema: z.ZodType<T>, request: ApiRequest = {}): Promise<T> {
    const response = await this.#send(path, request, this.#deadline ?? AbortSignal.timeout(patience))
    const parsed = schema.safeParse(await this.#jsonBody(response))
    if (parsed.success) return parsed.data
    throw misfit(
      'the coordinator answers in a shape that this program does not know',
      parsed.error.issues[0]?.path.join('.'),
    )
  }

  /** A body as it comes. Read it with `connectionError` around: the connection may break in the middle. */
  async stream(path: string): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#send(path, {}, this.#deadline)
    return body ?? new Blob([]).stream()
  }

  async text(path: string): Promise<string> {
    const response = await this.#send(path, {}, this.#deadline ?? AbortSignal.timeout(patience))
    return this.#caught(() => response.text())
  }

  async #send(path: string, { body, headers }: ApiRequest, signal: AbortSignal | undefined): Promise<Response> {
    const { server, token } = this.#address
    const response = await this.#caught(() =>
      this.#fetch(`${server}${apiBase}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
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
