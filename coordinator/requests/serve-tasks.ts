import type { MessagePort } from 'node:worker_threads'
import { errorMessage } from '@tributary/shared/system/thread-error'
import { carryOut, type CohortWork } from './cohort-work.ts'
import type { ReplyMessage, TaskMessage } from './worker-messages.ts'

/**
 * Answers what a `CohortThread` asks over `port`, one task after another, for as long as the thread lives. Where `opening` fails
 * it says why and ends: what was wrong may be right when the next thread opens.
 */
export const serveTasks = (port: MessagePort, opening: Promise<CohortWork>): void => {
  const reply = (message: ReplyMessage) => port.postMessage(message)
  const serve = async ({ id, task }: TaskMessage): Promise<void> => {
    try {
      const result = await carryOut(await opening, task, (rowsDone) => reply({ id, kind: 'progress', rowsDone }))
      reply({ id, kind: 'result', result })
    } catch (thrown) {
      reply({ id, kind: 'error', error: errorMessage(thrown) })
    }
  }
  opening.catch((thrown: unknown) => {
    port.removeAllListeners('message')
    reply({ kind: 'unopened', error: errorMessage(thrown) })
    port.close()
  })
  let last = Promise.resolve()
  port.on('message', (message: TaskMessage) => {
    last = last
      .then(() => opening)
      .then(
        () => serve(message),
        () => {}, // the thread is ending
      )
  })
}
