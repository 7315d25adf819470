import { asCodedError, CodedError, type ErrorCode, type Place } from '@tributary/shared/errors'
import type { CohortTask } from './cohort-work.ts'

/** Main thread to worker: `id` numbers the tasks of one worker. */
export interface TaskMessage {
  readonly id: number
  readonly task: CohortTask
}

/** An error as it crosses threads: what a CodedError says, and nothing else of it. */
export interface ErrorMessage {
  readonly code: ErrorCode
  readonly message: string
  readonly place: Place
}

/** Worker to main thread: any number of `progress`, then one `result` or `error`; `unopened` as the last word of a thread. */
export type ReplyMessage =
  | { readonly id: number; readonly kind: 'progress'; readonly rowsDone: number }
  | { readonly id: number; readonly kind: 'result'; readonly result: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly error: ErrorMessage }
  | { readonly kind: 'unopened'; readonly error: ErrorMessage }

export const errorMessage = (thrown: unknown): ErrorMessage => {
  const { code, message, place } = asCodedError(thrown)
  return { code, message, place }
}

export const codedError = ({ code, message, place }: ErrorMessage): CodedError =>
  new CodedError(code, message, { place })
