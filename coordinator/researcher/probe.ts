import { printData, printWarning } from '@tributary/shared/cli/output'
import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { type Probe, probeSchema } from '../api/schemas.ts'
import { type AdditionOptions, additionOptions } from './addition-options.ts'
import { apiPath } from './api-client.ts'
import { findGenerator } from './find-generator.ts'
import { numberOption } from './number-option.ts'
import { orderWords } from './order-words.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { openSession } from './session.ts'
import { csvText, textTable } from './text-table.ts'
import { whileWaiting } from './while-waiting.ts'

export interface ProbeOptions extends RemoteOptions, AdditionOptions {
  readonly where?: string
  readonly rows?: string
  readonly seed?: string
  readonly format?: string
}

const layouts = ['table', 'csv', 'json'] as const

const layoutOf = ({ format, json }: ProbeOptions): (typeof layouts)[number] => {
  const found = layouts.find((layout) => layout === (format ?? (json === true ? 'json' : 'table')))
  if (found) return found
  throw new CodedError('ARGUMENT_INVALID', `--format must be one of ${layouts.join(', ')}`)
}

/** Rows that are saved carry the mark which every hospital's agent refuses as a source. */
const markedCsv = ({ columns, rows }: Probe): string =>
  csvText(
    [...columns, markColumn],
    rows.map((row) => [...row, 'probe']),
  )

/** `tributary probe GENERATOR`: a few synthetic rows at once. */
export const probe = async (text: string, options: ProbeOptions, ports: ResearcherPorts): Promise<void> => {
  const layout = layoutOf(options)
  const { where } = options
  const additions = additionOptions(options)
  const order = {
    rows: numberOption('-n', options.rows ?? '20', 1),
    ...(options.seed === undefined ? {} : { seed: numberOption('--seed', options.seed) }),
    ...(where === undefined ? {} : { where }),
    ...additions,
  }
  const { api } = await openSession(ports, options)
  const { generator, study } = await findGenerator(api, text)
  const asked = api.json(apiPath('generators', study, 'probe'), probeSchema, { body: order })
  const drawn = await whileWaiting(ports.clock, 'drawing', asked)
  if (layout !== 'json') printWarning(printable(drawn.notice))
  printData(drawn, {
    json: layout === 'json',
    isExact: layout === 'csv',
    text: layout === 'csv' ? markedCsv(drawn) : textTable(drawn.columns, drawn.rows),
    next: `tributary plan ${orderWords({ generator, rows: 5000, where, ...additions })}`,
  })
}
