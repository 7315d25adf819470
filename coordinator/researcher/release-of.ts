import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'
import type { CohortRequest } from '../api/schemas.ts'
import { shellWord } from './text-table.ts'

/** The release of a request that is done. Throws `NOT_FOUND` while it is being made, and for ever where that failed; `REQUEST_WITHDRAWN`. */
export const releaseOf = ({ request, state, release, error }: CohortRequest): string => {
  const id = shellWord(printable(request))
  if (state === 'cancelled' || state === 'deleted')
    throw new CodedError('REQUEST_WITHDRAWN', `request ${id} is ${state}`)
  if (release !== undefined) return release
  if (error === undefined)
    throw new HintedError('NOT_FOUND', `request ${id} is ${state}`, `Run \`tributary status ${id} --wait\` first.`)
  throw new HintedError('NOT_FOUND', `request ${id} failed: ${printable(error.message)}`, printable(error.hint))
}
