import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User, UserStore } from '../users/user-store.ts'
import { RefusalBrake } from './refusal-brake.ts'

const callers = new WeakMap<FastifyRequest, User>()

/** Who makes this call. Throws `LOGIN_REFUSED` on a route that asks for no token. */
export const callerOf = (request: FastifyRequest): User => {
  const user = callers.get(request)
  if (user === undefined) throw new CodedError('LOGIN_REFUSED', 'this call has no user')
  return user
}

/** For logs: the name alone. */
export const callerName = (request: FastifyRequest): string | undefined => callers.get(request)?.name

const bearer = /^Bearer +([A-Za-z0-9._~+/=-]{1,512}) *$/i

/**
 * The hook that lets in whoever has a token (RFC 6750, in the Authorization header only). Throws `LOGIN_REFUSED` in the same
 * words for unknown and removed ones, after a delay, and `TOO_MANY_REQUESTS`.
 */
export const authentication = (users: UserStore, clock: Clock) => {
  const brake = new RefusalBrake()
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { authorization } = request.headers
    if (authorization === undefined) {
      reply.header('www-authenticate', 'Bearer realm="tributary"')
      throw new CodedError('LOGIN_REFUSED', 'this call needs a token')
    }
    const token = bearer.exec(authorization)?.[1]
    const user = token === undefined ? undefined : users.holderOf(token)
    if (user !== undefined) {
      callers.set(request, user)
      return
    }
    const wait = brake.note(clock.now())
    if (wait === undefined) {
      reply.header('retry-after', '60')
      throw new CodedError('TOO_MANY_REQUESTS', 'too many wrong tokens')
    }
    await clock.sleep(wait)
    reply.header('www-authenticate', 'Bearer realm="tributary", error="invalid_token"')
    throw new CodedError('LOGIN_REFUSED', 'this token is unknown, or its user was removed')
  }
}
