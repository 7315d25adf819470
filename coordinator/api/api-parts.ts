import type { Clock } from '@tributary/shared/ports'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { CohortWork } from '../requests/cohort-work.ts'
import type { RequestRunner } from '../requests/request-runner.ts'
import type { RequestStore } from '../requests/request-store.ts'
import type { UserStore } from '../users/user-store.ts'
import type { GeneratorCatalogue } from './generator-catalogue.ts'

/** An app whose routes are typed by their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What the routes stand on. */
export interface ApiParts {
  readonly dataDir: string
  readonly federation: string
  /** Raw Ed25519: signs the releases. */
  readonly signingKey: Uint8Array
  readonly users: UserStore
  readonly requests: RequestStore
  readonly runner: Pick<RequestRunner, 'rowsDone' | 'wake' | 'withdraw'>
  readonly work: Pick<CohortWork, 'probe' | 'plan'>
  readonly catalogue: GeneratorCatalogue
  readonly clock: Clock
  readonly log: Logger
}
