import { asCodedError, CodedError, isErrorCode } from '@tributary/shared/errors'
import { type CohortRequest, requestSchema } from '../api/schemas.ts'
import { type ApiClient, apiPath } from './api-client.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'
import type { ResearcherPorts } from './ports.ts'
import { ProgressLine } from './progress-line.ts'
import { waitText } from './request-text.ts'
import { wholeText } from './text-table.ts'

/** A coordinator that restarts is away for seconds: that many questions in a row may stay without an answer. */
const patientQuestions = 15

const isOver = ({ state }: CohortRequest) => state !== 'queued' && state !== 'running'

const failure = ({ error, request, state }: CohortRequest): CodedError => {
  const shown = printable(request)
  if (state !== 'failed') {
    return new CodedError('REQUEST_WITHDRAWN', `request ${shown} is ${state}`)
  }
  const { error_code: code, message, hint } = error ?? { error_code: '', message: 'no reason given', hint: '' }
  return new HintedError(
    isErrorCode(code) ? code : 'INTERNAL',
    `request ${shown}: ${printable(message)}`,
    printable(hint),
  )
}

const tooLate = (seen: CohortRequest | undefined): CodedError => {
  if (seen === undefined) {
    const hint = 'Check that the coordinator is up, then run the same command again; nothing is lost.'
    return new HintedError('DEADLINE_PASSED', 'the coordinator is away', hint)
  }
  const request = printable(seen.request)
  const hint = `Run \`tributary status ${request} --wait\` to go on waiting; nothing is lost.`
  return new HintedError('DEADLINE_PASSED', `request ${request} is still ${seen.state}`, hint)
}

const progressText = (seen: CohortRequest | undefined, isAway: boolean): string => {
  const away = 'the coordinator is away, asking again'
  if (seen === undefined) return away
  const how = isAway ? away : seen.waiting_for === undefined ? seen.state : waitText(seen.waiting_for)
  return `request ${printable(seen.request)}  ${how}  ${wholeText(seen.rows_done)} of ${wholeText(seen.rows)} rows`
}

/**
 * Asks, `first` to begin with, until the request is over, every two seconds at last; patient with a coordinator that restarts.
 * Throws the request's own error when it failed, `REQUEST_WITHDRAWN` when it was cancelled, `DEADLINE_PASSED` after --timeout,
 * `UNAVAILABLE` when the coordinator stays away.
 */
export const untilDone = async (
  { clock }: ResearcherPorts,
  api: ApiClient,
  first: () => Promise<CohortRequest>,
): Promise<CohortRequest> => {
  const progress = new ProgressLine(clock)
  let seen: CohortRequest | undefined
  let unanswered = 0
  const ask = async (): Promise<void> => {
    try {
      const id = seen?.request
      seen = id === undefined ? await first() : await api.json(apiPath('requests', id), requestSchema)
      unanswered = 0
    } catch (thrown) {
      if (api.isOverdue) return
      const error = asCodedError(thrown)
      unanswered++
      if (error.code !== 'UNAVAILABLE' || unanswered > patientQuestions) throw error
    }
  }
  try {
    await ask()
    for (let pause = 200; seen === undefined || !isOver(seen); pause = Math.min(2000, pause * 1.5)) {
      progress.show(() => progressText(seen, unanswered > 0))
      await clock.sleep(pause, api.deadline)
      if (api.isOverdue) throw tooLate(seen)
      await ask()
    }
  } finally {
    progress.end()
  }
  if (seen.state !== 'done') throw failure(seen)
  return seen
}
