import type { ErrorMessage } from '@tributary/shared/system/thread-error'
import type { CohortTask } from './cohort-work.ts'

/** Main thread to worker: `id` numbers the tasks of one worker. */
export interface TaskMessage {
  readonly id: number
  readonly task: CohortTask
}

/** Worker to main thread: any number of `progress`, then one `result` or `error`; `unopened` as the last word of a thread. */
export type ReplyMessage =
  | { readonly id: number; readonly kind: 'progress'; readonly rowsDone: number }
  | { readonly id: number; readonly kind: 'result'; readonly result: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly error: ErrorMessage }
  | { readonly kind: 'unopened'; readonly error: ErrorMessage }
