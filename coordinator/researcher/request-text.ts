import { printable } from '@tributary/shared/cli/printable'
import type { CohortRequest } from '../api/schemas.ts'
import { shellWord, textList, textTable, wholeText } from './text-table.ts'

/** What one request is, a line for each fact. */
export const requestText = (request: CohortRequest): string =>
  textList([
    ['request', request.request],
    ['state', stateText(request)],
    ['generator', request.generator],
    ['rows', wholeText(request.rows)],
    ['where', request.where ?? '(everybody)'],
    ['seed', String(request.seed)],
    ['formats', request.formats.join(', ')],
    ['purpose', request.purpose],
    ['created', request.created],
    ...(request.finished === undefined ? [] : ([['finished', request.finished]] as const)),
    ...(request.release === undefined ? [] : ([['release', request.release]] as const)),
  ])

const stateText = ({ state, rows, rows_done, error }: CohortRequest): string => {
  if (state === 'running') return `running, ${wholeText(rows_done)} of ${wholeText(rows)} rows`
  return error === undefined ? state : `${state}: ${error.error_code}, ${error.message}`
}

export const requestsText = (requests: readonly CohortRequest[]): string =>
  requests.length === 0
    ? '(none)'
    : textTable(
        ['request', 'state', 'generator', 'rows', 'where', 'created'],
        requests.map(({ request, state, generator, rows, where, created }) => {
          const condition = where === null ? '-' : where.length > 40 ? `${where.slice(0, 37)}...` : where
          return [request, state, generator, wholeText(rows), condition, created]
        }),
      )

/** The command to run next. */
export const afterRequest = ({ request, state }: CohortRequest): string => {
  const id = shellWord(printable(request))
  if (state === 'failed') return 'tributary plan GENERATOR -n ROWS'
  return state === 'done'
    ? `tributary report ${id}; tributary download ${id} --out DIR`
    : `tributary status ${id} --wait`
}
