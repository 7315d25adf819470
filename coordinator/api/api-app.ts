import { randomBytes } from 'node:crypto'
import type { ServerOptions } from 'node:https'
import swagger from '@fastify/swagger'
import { CodedError, httpStatus } from '@tributary/shared/errors'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { operatorFault } from '../requests/operator-fault.ts'
import type { Api, ApiParts } from './api-parts.ts'
import { authentication, callerName } from './authentication.ts'
import { addGeneratorRoutes } from './generator-routes.ts'
import { openApiDocument } from './openapi.ts'
import { apiError, problemOf } from './problem.ts'
import { addReleaseRoutes } from './release-routes.ts'
import { addRequestRoutes } from './request-routes.ts'
import { addOpenRoutes, addWhoamiRoute } from './service-routes.ts'

const largestBody = 64 * 1024

/** Where in our own code it happened: never the message, which may quote what it stumbled over. */
const framesOf = (thrown: unknown): string[] =>
  thrown instanceof Error
    ? (thrown.stack ?? '')
        .split('\n')
        .filter((line) => /^\s+at /.test(line))
        .slice(0, 6)
    : []

/** The researchers' API as an app that listens nowhere yet. `tls` makes it speak TLS 1.3 and nothing older. */
export const buildApi = async (parts: ApiParts, tls?: Pick<ServerOptions, 'cert' | 'key'>): Promise<Api> => {
  const { log } = parts
  const fail = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const error = apiError(thrown)
    const fault = operatorFault(error)
    if (fault !== undefined) {
      const { code, message, place } = fault.cause
      log.error({ id: request.id, code, why: message, place }, 'a call to the API failed: the coordinator needs repair')
    } else if (error.code === 'INTERNAL') {
      const { cause } = error
      const what = { id: request.id, name: cause instanceof Error ? cause.name : undefined, frames: framesOf(cause) }
      log.error(what, 'a call to the API failed')
    }
    const shown = fault?.shown ?? error
    void reply.code(httpStatus(shown.code)).type('application/problem+json').send(problemOf(shown))
  }
  const options = {
    logger: false,
    bodyLimit: largestBody,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    return503OnClosing: false,
    genReqId: () => randomBytes(8).toString('hex'),
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: fail,
  } as const
  const app = (tls === undefined
    ? Fastify(options)
    : Fastify({ ...options, https: { ...tls, minVersion: 'TLSv1.3' as const } })
  ).withTypeProvider<ZodTypeProvider>() as unknown as Api
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(fail)
  app.setNotFoundHandler((request, reply) => fail(new CodedError('NOT_FOUND', 'no such route'), request, reply))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, id, routeOptions } = request
    const call = { id, method, route: routeOptions.url, status: reply.statusCode, user: callerName(request) }
    log.info({ ...call, ms: Math.round(reply.elapsedTime) }, 'api call')
  })
  await app.register(swagger, openApiDocument)
  await app.register(async (open) => addOpenRoutes(open as Api, parts))
  await app.register(async (closed) => {
    closed.addHook('onRequest', authentication(parts.users, parts.clock))
    for (const add of [addWhoamiRoute, addGeneratorRoutes, addRequestRoutes, addReleaseRoutes])
      add(closed as Api, parts)
  })
  await app.ready()
  return app
}
