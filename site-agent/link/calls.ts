import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import { errorOfStatus } from '@tributary/shared/wire/envelope-error'

/** Deadline for a model or a contribution, ms. */
export const streamMs = 600_000

type Callback<Reply> = (error: ServiceError | null, reply?: Reply) => void

/** The half of a generated method definition that a caller uses. */
export type Method<Request, Reply> = Pick<
  MethodDefinition<Request, Reply>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>

/** host:port that a client dials. */
const addressOf = (client: Client): string =>
  client
    .getChannel()
    .getTarget()
    .replace(/^[a-z0-9]+:/, '')

const settle =
  <Reply>(client: Client, resolve: (reply: Reply) => void, reject: (error: unknown) => void): Callback<Reply> =>
  (error, reply) =>
    error === null ? resolve(reply as Reply) : reject(errorOfStatus(error, addressOf(client)))

/** One call and its reply. `deadline` in ms since 1970; an abort cancels the call: DEADLINE_PASSED. */
export const unary = <Request, Reply>(
  client: Client,
  method: Method<Request, Reply>,
  request: Request,
  options: { readonly deadline: number; readonly signal?: AbortSignal | undefined },
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { deadline, signal } = options
    const { path, requestSerialize, responseDeserialize } = method
    const done = settle(client, resolve, reject)
    const cancel = () => call.cancel()
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline },
      (error, reply) => {
        signal?.removeEventListener('abort', cancel)
        if (error !== null && signal?.aborted) reject(new CodedError('DEADLINE_PASSED', 'the call was cancelled'))
        else done(error, reply)
      },
    )
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
  })

const isServiceError = (thrown: unknown): thrown is ServiceError =>
  thrown instanceof Error && 'metadata' in thrown && 'details' in thrown

/** The replies of a server stream, fetched as they are taken; leaving the loop early cancels the call. */
export async function* serverStream<Request, Reply>(
  client: Client,
  method: Method<Request, Reply>,
  request: Request,
  deadline: number,
): AsyncGenerator<Reply, void, undefined> {
  const { path, requestSerialize, responseDeserialize } = method
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, { deadline })
  try {
    for await (const reply of call) yield reply as Reply
  } catch (thrown) {
    throw isServiceError(thrown) ? errorOfStatus(thrown, addressOf(client)) : asCodedError(thrown)
  } finally {
    call.cancel()
  }
}

/** Sends every part, waiting whenever the receiver is slow, and takes the reply; an early refusal ends the sending. */
export const clientStream = async <Part, Reply>(
  client: Client,
  method: Method<Part, Reply>,
  parts: AsyncIterable<Part>,
  deadline: number,
): Promise<Reply> => {
  let isOver = false
  let wake = () => {}
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const done = settle(client, resolve, reject)
  const { path, requestSerialize, responseDeserialize } = method
  const call = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    { deadline },
    (error: ServiceError | null, reply?: Reply) => {
      isOver = true
      wake()
      done(error, reply)
    },
  )
  call.on('drain', () => wake())
  call.on('error', () => wake()) // the callback reports it
  for await (const part of parts) {
    if (isOver) break
    const woken = new Promise<void>((resolveWoken) => {
      wake = resolveWoken
    })
    if (!call.write(part) && !isOver) await woken
  }
  call.end()
  return promise
}
