import { CodedError } from '../errors.ts'
import { type StudyId, studyId } from '../ids.ts'
import { missingField, signedFields, signedMessage } from './envelope.ts'
import type { Task } from './federation-api.ts'
import type { Task as TaskMessage, Task__Output } from './generated/tributary/v1/Task.ts'
import { PROTOCOL_VERSION } from './signed.ts'

const attemptOf = ({ study, step, attempt }: { study: StudyId; step: number; attempt: number }) => ({
  study,
  step,
  attempt,
})

export const taskMessage = (task: Task): TaskMessage => {
  const protocol = PROTOCOL_VERSION
  switch (task.kind) {
    case 'wait':
      return { protocol, wait: {} }
    case 'deal': {
      const { study, step, attempt } = task
      return { protocol, deal: { study, step, attempt, boxKeys: task.boxKeys.map(signedFields) } }
    }
    case 'check':
      return { protocol, check: attemptOf(task) }
    case 'open-deal':
      return { protocol, openDeal: attemptOf(task) }
    case 'open-box':
      return { protocol, openBox: signedFields(task.opening) }
    case 'contribute':
      return { protocol, contribute: signedFields(task.broadcast) }
    case 'answer':
      return { protocol, answer: signedFields(task.announcement) }
    case 'finished': {
      const outcome = task.outcome === 'completed' ? 'COMPLETED' : 'STOPPED'
      return { protocol, finished: { study: task.study, outcome, reason: task.reason } }
    }
  }
}

/** Throws ARGUMENT_INVALID for a task of no known kind and ID_MALFORMED for a malformed study id. */
export const taskOf = (message: Task__Output): Task => {
  if (message.wait) return { kind: 'wait' }
  if (message.contribute) return { kind: 'contribute', broadcast: signedMessage(message.contribute, 'contribute') }
  if (message.answer) return { kind: 'answer', announcement: signedMessage(message.answer, 'answer') }
  if (message.openBox) return { kind: 'open-box', opening: signedMessage(message.openBox, 'open_box') }
  const asked = message.check ?? message.openDeal
  if (asked) {
    const { study, step, attempt } = asked
    return { kind: message.check ? 'check' : 'open-deal', study: studyId(study), step, attempt }
  }
  if (message.deal) {
    const { study, step, attempt, boxKeys } = message.deal
    const keys = boxKeys.map((key) => signedMessage(key, 'box_keys'))
    return { kind: 'deal', study: studyId(study), step, attempt, boxKeys: keys }
  }
  if (!message.finished) throw missingField('task')
  const { study, outcome, reason } = message.finished
  if (outcome === 'OUTCOME_UNSPECIFIED') {
    throw new CodedError('ARGUMENT_INVALID', 'a finished study without its outcome', { place: { field: 'outcome' } })
  }
  return {
    kind: 'finished',
    study: studyId(study),
    outcome: outcome === 'COMPLETED' ? 'completed' : 'stopped',
    reason,
  }
}
