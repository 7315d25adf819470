import { fingerprint } from '@tributary/shared/wire/signed'
import * as z from 'zod'
import { tributaryVersion } from '../release/release-manifest.ts'
import type { Api, ApiParts } from './api-parts.ts'
import { callerOf } from './authentication.ts'
import { apiBase, healthSchema, whoamiSchema } from './schemas.ts'
import { answers } from './route-schema.ts'

/** What anybody may ask. */
export const addOpenRoutes = (app: Api, { federation, signingKey }: ApiParts): void => {
  app.get(
    `${apiBase}/health`,
    { schema: { summary: 'Which federation this is, and the key that signs its releases', ...answers(healthSchema) } },
    () => ({
      status: 'ok' as const,
      version: tributaryVersion,
      federation,
      signing_key: {
        fingerprint: fingerprint(signingKey),
        public_key: Buffer.from(signingKey).toString('base64'),
      },
    }),
  )
  app.get(
    `${apiBase}/openapi.json`,
    { schema: { summary: 'This document', ...answers(z.record(z.string(), z.unknown())) } },
    () => app.swagger() as unknown as Record<string, unknown>,
  )
}

export const addWhoamiRoute = (app: Api): void => {
  app.get(`${apiBase}/whoami`, { schema: { summary: 'Whose token this is', ...answers(whoamiSchema) } }, (request) => {
    const { name, role } = callerOf(request)
    return { user: name, role }
  })
}
