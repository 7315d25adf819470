import { asCodedError, type CodedError, isErrorCode } from '@tributary/shared/errors'
import { type CohortRequest, requestSchema } from '../api/schemas.ts'
import { type ApiClient, apiPath } from './api-client.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'
import type { ResearcherPorts } from './ports.ts'
import { ProgressLine } from './progress-line.ts'
import { wholeText } from './text-table.ts'

/** A coordinator that restarts is away for seconds: that many questions in a row may stay without an answer. */
const patientQuestions = 15

const isOver = ({ state }: CohortRequest) => state === 'done' || state === 'failed'

const failure = ({ error, request }: CohortRequest): CodedError => {
  const { error_code: code, message, hint } = error ?? { error_code: '', message: 'no reason given', hint: '' }
  return new HintedError(
    isErrorCode(code) ? code : 'INTERNAL',
    `request ${printable(request)}: ${printable(message)}`,
    printable(hint),
  )
}

/**
 * Asks until the request is done, every two seconds at last. Throws the request's own error when it failed, `DEADLINE_PASSED`
 * after --timeout, `UNAVAILABLE` when the coordinator stays away.
 */
export const untilDone = async (
  { clock }: ResearcherPorts,
  api: ApiClient,
  first: CohortRequest,
): Promise<CohortRequest> => {
  const progress = new ProgressLine(clock)
  let seen = first
  let unanswered = 0
  try {
    for (let pause = 200; !isOver(seen); pause = Math.min(2000, pause * 1.5)) {
      const { request, state, rows_done, rows } = seen
      progress.show(() => {
        const how = unanswered > 0 ? 'the coordinator is away, asking again' : state
        return `request ${printable(request)}  ${how}  ${wholeText(rows_done)} of ${wholeText(rows)} rows`
      })
      await clock.sleep(pause, api.deadline)
      if (api.isOverdue) {
        const hint = `Run \`tributary status ${printable(request)} --wait\` to go on waiting; nothing is lost.`
        throw new HintedError('DEADLINE_PASSED', `request ${printable(request)} is still ${state}`, hint)
      }
      try {
        seen = await api.json(apiPath('requests', request), requestSchema)
        unanswered = 0
      } catch (thrown) {
        if (api.isOverdue) continue
        const error = asCodedError(thrown)
        unanswered++
        if (error.code !== 'UNAVAILABLE' || unanswered > patientQuestions) throw error
      }
    }
  } finally {
    progress.end()
  }
  if (seen.state === 'failed') throw failure(seen)
  return seen
}
