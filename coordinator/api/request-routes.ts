import { createHash, randomBytes, randomInt } from 'node:crypto'
import * as z from 'zod'
import { type Additions, additionsOf } from '../cohort/order.ts'
import type { StoredRequest } from '../requests/request-store.ts'
import type { Api, ApiParts } from './api-parts.ts'
import { callerOf } from './authentication.ts'
import { answers } from './route-schema.ts'
import {
  apiBase,
  type CohortRequest,
  idempotencyKeyHeader,
  requestOrderSchema,
  requestSchema,
  requestsQuerySchema,
  requestsSchema,
} from './schemas.ts'
import { ownRequest } from './visibility.ts'

const params = z.strictObject({ request: z.string().min(1).max(64) })
const headers = z.looseObject({
  [idempotencyKeyHeader]: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')
    .optional()
    .describe('The same key and body again give the same request.'),
})

const iso = (ms: number): string => new Date(ms).toISOString()
/** 80 random bits: an id says nothing about how many there were. */
const newId = (kind: 'req' | 'rel'): string =>
  `${kind}-${BigInt(`0x${randomBytes(10).toString('hex')}`)
    .toString(36)
    .padStart(16, '0')}`

/** A request as its user sees it. */
const viewOf = ({ facts, progress }: StoredRequest, rowsDone: number): CohortRequest => {
  const { id, user, generator, study, rows, seed, where, additions, purpose, formats, created, release } = facts
  const isDone = progress.state === 'done' || progress.state === 'deleted'
  return {
    request: id,
    user,
    generator,
    study,
    state: progress.state,
    rows,
    rows_done: isDone ? rows : rowsDone,
    seed,
    where,
    ...additions,
    purpose,
    formats: [...formats],
    created: iso(created),
    ...('finished' in progress && { finished: iso(progress.finished) }),
    ...(progress.state === 'deleted' && { deleted: iso(progress.deleted) }),
    ...(progress.state === 'queued' && progress.waitingFor !== undefined && { waiting_for: progress.waitingFor }),
    ...(progress.state === 'failed' && { error: progress.error }),
    ...(progress.state === 'done' && { release }),
  }
}

/** Asking for a cohort, and seeing how far it has come. */
export const addRequestRoutes = (app: Api, parts: ApiParts): void => {
  const { catalogue, requests, runner, work, users, clock } = parts
  const view = (stored: StoredRequest) => viewOf(stored, runner.rowsDone(stored.facts.id))

  app.post(
    `${apiBase}/requests`,
    {
      schema: {
        summary: 'Ask for a cohort',
        body: requestOrderSchema,
        headers,
        response: { ...answers(requestSchema).response, 201: requestSchema },
      },
    },
    async (request, reply) => {
      const { name: user, quota } = callerOf(request)
      const key = request.headers[idempotencyKeyHeader]
      const body = createHash('sha256').update(JSON.stringify(request.body)).digest('hex')
      const idempotency = typeof key === 'string' ? { key, body } : undefined
      const earlier = idempotency && requests.earlier(user, idempotency)
      if (earlier !== undefined) return view(earlier)
      const { generator, rows, formats, purpose } = request.body
      const study = catalogue.study(generator)
      const seed = request.body.seed ?? randomInt(2 ** 31)
      const asked = additionsOf(request.body)
      const hasAdditions = Object.keys(asked).length > 0
      // An order that cannot be met is refused now, and not after hours in the queue.
      const { where, ...normal }: { where: string | null } & Additions =
        request.body.where === undefined && !hasAdditions
          ? { where: null }
          : await work.plan(study, {
              rows,
              seed,
              ...(request.body.where !== undefined && { where: request.body.where }),
              ...asked,
            })
      const { request: stored, isNew } = requests.accept(
        {
          id: newId('req'),
          release: newId('rel'),
          user,
          study,
          generator: catalogue.nameOf(study),
          rows,
          seed,
          where,
          ...(hasAdditions && { additions: additionsOf(normal) }),
          formats,
          purpose,
          created: clock.now(),
        },
        idempotency,
        quota,
      )
      if (isNew) {
        users.note({ time: clock.now(), user, action: 'request', object: stored.facts.id, detail: purpose })
        runner.wake()
      }
      return reply.code(isNew ? 201 : 200).send(view(stored))
    },
  )

  app.get(
    `${apiBase}/requests`,
    {
      schema: {
        summary: 'Your requests; every one for operators',
        querystring: requestsQuerySchema,
        ...answers(requestsSchema),
      },
    },
    (request) => {
      const { name, role } = callerOf(request)
      const { limit, before } = request.query
      if (before !== undefined) ownRequest(callerOf(request), requests.request(before))
      const found = requests.requests({
        limit,
        ...(role === 'researcher' && { user: name }),
        ...(before !== undefined && { before }),
      })
      return { requests: found.map(view) }
    },
  )

  app.get(
    `${apiBase}/requests/:request`,
    { schema: { summary: 'How far a request has come', params, ...answers(requestSchema) } },
    (request) => view(ownRequest(callerOf(request), requests.request(request.params.request))),
  )

  app.delete(
    `${apiBase}/requests/:request`,
    {
      schema: {
        summary: 'Cancel a request that is not finished, or delete the release of one that is',
        params,
        ...answers(requestSchema),
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const { facts } = ownRequest(caller, requests.request(request.params.request))
      const after = await runner.withdraw(facts.id, ({ progress }) => {
        const [action, detail] = progress.state === 'done' ? ['delete', facts.release] : ['cancel', progress.state]
        users.note({ time: clock.now(), user: caller.name, action, object: facts.id, detail })
      })
      return view(after)
    },
  )
}
