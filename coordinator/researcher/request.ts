import { printData, printNotice } from '@tributary/shared/cli/output'
import { asCodedError, CodedError, type ErrorCode } from '@tributary/shared/errors'
import {
  type CohortRequest,
  formatSchema,
  idempotencyKeyHeader,
  type RequestOrder,
  requestSchema,
} from '../api/schemas.ts'
import { additionsOf } from '../cohort/order.ts'
import { type AdditionOptions, additionOptions } from './addition-options.ts'
import type { ApiClient } from './api-client.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { findGenerator } from './find-generator.ts'
import { type OrderFile, readOrderFile } from './order-file.ts'
import { numberOption } from './number-option.ts'
import { PendingRequest } from './pending-request.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { afterRequest, requestText } from './request-text.ts'
import { openSession } from './session.ts'
import { untilDone } from './until-done.ts'

export interface RequestOptions extends RemoteOptions, AdditionOptions {
  readonly file?: string
  readonly rows?: string
  readonly where?: string
  readonly seed?: string
  readonly format?: string
  readonly purpose?: string
  readonly wait?: boolean
  /** A second request of the same order. */
  readonly again?: boolean
}

const formatsOf = (text: string): ('csv' | 'parquet')[] =>
  text.split(',').map((word) => {
    const format = formatSchema.safeParse(word.trim())
    if (format.success) return format.data
    throw new CodedError('ARGUMENT_INVALID', '--format must be csv, parquet or csv,parquet')
  })

/** The file's fields, and over them the options'. Throws `ARGUMENT_INVALID` for what neither gives. */
const orderOf = (generator: string | undefined, options: RequestOptions): RequestOrder => {
  const file: OrderFile = options.file === undefined ? {} : readOrderFile(options.file)
  const given = {
    generator: generator ?? file.generator,
    rows: options.rows === undefined ? file.rows : numberOption('-n', options.rows, 1),
    purpose: options.purpose ?? file.purpose,
  }
  const seed = options.seed === undefined ? file.seed : numberOption('--seed', options.seed)
  const where = options.where ?? file.where
  const formats = options.format === undefined ? file.formats : formatsOf(options.format)
  const { rows, purpose } = given
  const lacking = Object.entries({ GENERATOR: given.generator, '-n': rows, '--purpose': purpose })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name)
  if (given.generator === undefined || rows === undefined || purpose === undefined)
    throw new CodedError('ARGUMENT_INVALID', `the request lacks ${lacking.join(', ')}`)
  return {
    generator: given.generator,
    rows,
    purpose,
    ...(seed === undefined ? {} : { seed }),
    ...(where === undefined ? {} : { where }),
    ...additionsOf(file),
    ...additionOptions(options),
    ...(formats === undefined ? {} : { formats }),
  }
}

/** After these nobody knows whether the order arrived. */
const unknown: readonly ErrorCode[] = [
  'UNAVAILABLE',
  'TLS_REFUSED',
  'DEADLINE_PASSED',
  'PROTOCOL_UNSUPPORTED',
  'INTERNAL',
]

const post = async (api: ApiClient, order: RequestOrder, pending: PendingRequest): Promise<CohortRequest> => {
  try {
    const headers = { [idempotencyKeyHeader]: pending.key }
    const made = await api.json('/requests', requestSchema, { body: order, headers })
    pending.accepted(made.request)
    return made
  } catch (thrown) {
    const error = asCodedError(thrown)
    if (!unknown.includes(error.code)) pending.refused()
    if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_PASSED') throw error
    const hint = 'Run the same command again, without --again: it asks for the same request, and makes no second one.'
    throw new HintedError(error.code, error.message, hint, { cause: error })
  }
}

const isLost = ({ state }: CohortRequest) => state === 'failed' || state === 'cancelled' || state === 'deleted'

interface Sent {
  readonly made: CohortRequest
  /** An earlier command had made it. */
  readonly isRepeated: boolean
}

/** The order's one request of this day; another where that one came to nothing, or with `again`. */
const send = async (api: ApiClient, order: RequestOrder, pending: PendingRequest, again: boolean): Promise<Sent> => {
  if (again) pending.renew()
  const known = pending.request
  const made = await post(api, order, pending)
  if (known !== made.request) return { made, isRepeated: false }
  if (!isLost(made)) return { made, isRepeated: true }
  pending.renew()
  return { made: await post(api, order, pending), isRepeated: false }
}

/** `tributary request GENERATOR`: a cohort is made, once, however often the command runs or the connection is lost. */
export const request = async (
  text: string | undefined,
  options: RequestOptions,
  ports: ResearcherPorts,
): Promise<void> => {
  const asked = orderOf(text, options)
  const json = options.json === true
  const { api, credentials } = await openSession(ports, options)
  const { study } = await findGenerator(api, asked.generator)
  const order = { ...asked, generator: study }
  const pending = PendingRequest.open(ports.environment, credentials, order, ports.clock)
  const { made, isRepeated } = await send(api, order, pending, options.again === true)
  if (isRepeated && !json)
    printNotice(`the same order as before is the same request, ${made.request}; --again makes another`)
  else if (options.wait === true && !json) printNotice(`request ${made.request} accepted`)
  const shown = options.wait === true ? await untilDone(ports, api, async () => made) : made
  const data = isRepeated ? { ...shown, repeated: true } : shown
  printData(data, { json, text: requestText(shown), next: afterRequest(shown) })
}
