import { printable } from '@tributary/shared/cli/printable'
import type { CohortRequest } from '../api/schemas.ts'
import type { Additions } from '../cohort/order.ts'
import { shareText, shellWord, textList, textTable, wholeText } from './text-table.ts'

/** Characters of what was asked, in a list of requests. */
const mostAsked = 60

/** What one request is, a line for each fact. */
export const requestText = (request: CohortRequest): string =>
  textList([
    ['request', request.request],
    ['state', stateText(request)],
    ['generator', request.generator],
    ['rows', wholeText(request.rows)],
    ['where', request.where ?? '(everybody)'],
    ...additionLines(request),
    ['seed', String(request.seed)],
    ['formats', request.formats.join(', ')],
    ['purpose', request.purpose],
    ['created', request.created],
    ...(request.finished === undefined ? [] : ([['finished', request.finished]] as const)),
    ...(request.deleted === undefined ? [] : ([['deleted', request.deleted]] as const)),
    ...(request.release === undefined ? [] : ([['release', request.release]] as const)),
  ])

/** What is asked beyond a condition, a line each. */
export const additionLines = (additions: Additions): (readonly [string, string])[] => [
  ...(additions.reweight ?? []).map(
    ({ condition, share }) => ['reweight', `${condition}: ${shareText(share)}`] as const,
  ),
  ...(additions.balance === undefined ? [] : [['balance', additions.balance.join(', ')] as const]),
  ...(additions.augment === undefined
    ? []
    : [['augment', `${additions.augment.condition}, ${additions.augment.times} times as many`] as const]),
  ...(additions.set ?? []).map((text) => ['what if', text] as const),
]

/** What a queued request waits for, of those reasons that this program knows. */
export const waitText = (reason: string): string => {
  if (reason === 'disk_space') return "queued, waiting for room on the coordinator's disk"
  if (reason === 'coordinator') return 'queued, waiting for the operator to repair a fault at the coordinator'
  return `queued, waiting for ${printable(reason)}`
}

const stateText = ({ state, rows, rows_done, error, waiting_for: reason }: CohortRequest): string => {
  if (state === 'queued' && reason !== undefined) return waitText(reason)
  if (state === 'running') return `running, ${wholeText(rows_done)} of ${wholeText(rows)} rows`
  return error === undefined ? state : `${state}: ${error.error_code}, ${error.message}`
}

export const requestsText = (requests: readonly CohortRequest[]): string =>
  requests.length === 0
    ? '(none)'
    : textTable(
        ['request', 'state', 'generator', 'rows', 'asked', 'created'],
        requests.map((each) => {
          const { request, state, generator, rows, where, created } = each
          const parts = [...(where === null ? [] : [where]), ...additionLines(each).map((part) => part.join(' '))]
          const asked = parts.length === 0 ? 'everybody' : parts.join('; ')
          const shown = asked.length > mostAsked ? `${asked.slice(0, mostAsked - 3)}...` : asked
          return [request, state, generator, wholeText(rows), shown, created]
        }),
      )

/** The command to run next. */
export const afterRequest = ({ request, state }: CohortRequest): string => {
  const id = shellWord(printable(request))
  if (state === 'failed' || state === 'cancelled' || state === 'deleted') return 'tributary plan GENERATOR -n ROWS'
  return state === 'done'
    ? `tributary report ${id}; tributary download ${id} --out DIR`
    : `tributary status ${id} --wait`
}
