import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import type { Additions } from '../cohort/order.ts'

/** What a researcher asked for, as accepted: whatever decides the bytes of the release is here and never changes. */
export interface RequestFacts {
  /** `req-` and 16 letters and digits. */
  readonly id: string
  /** `rel-` and 16 letters and digits; also the name of the release's folder. */
  readonly release: string
  readonly user: string
  readonly study: StudyId
  readonly generator: string
  readonly rows: number
  readonly seed: number
  /** In normal form. */
  readonly where: string | null
  /** In normal form; absent where nothing was asked beyond a condition. */
  readonly additions?: Additions
  readonly formats: readonly ('csv' | 'parquet')[]
  readonly purpose: string
  /** ms since 1970. */
  readonly created: number
}

export interface RequestError {
  readonly error_code: string
  readonly message: string
  readonly hint: string
}

/** Why a queued request does not start: no room on the disk, or a fault at the coordinator that its operator repairs. */
export type WaitReason = 'disk_space' | 'coordinator'

/** How far a request has come. `starts` counts how often its making began: more than once after a crash. */
export type RequestState =
  | { readonly state: 'queued'; readonly waitingFor?: WaitReason }
  | { readonly state: 'running'; readonly starts: number }
  | { readonly state: 'done'; readonly finished: number }
  | { readonly state: 'failed'; readonly finished: number; readonly error: RequestError }
  | { readonly state: 'cancelled'; readonly finished: number }
  | { readonly state: 'deleted'; readonly finished: number; readonly deleted: number }

export type RequestEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'wait'; readonly reason: WaitReason }
  | { readonly kind: 'done'; readonly time: number }
  | { readonly kind: 'failed'; readonly time: number; readonly error: RequestError }
  /** Nobody wants it any more. */
  | { readonly kind: 'withdraw'; readonly time: number }

const refused = (before: RequestState, event: RequestEvent): CodedError =>
  new CodedError('INTERNAL', `a request that is ${before.state} cannot be followed by ${event.kind}`)

/** What a withdrawal makes of a request: unfinished ones are cancelled, releases deleted, anything else stays as it is. */
const withdrawn = (before: RequestState, time: number): RequestState => {
  if (before.state === 'queued' || before.state === 'running') return { state: 'cancelled', finished: time }
  if (before.state === 'done') return { state: 'deleted', finished: before.finished, deleted: time }
  return before
}

/**
 * queued -> running -> done | failed; running may start again, or wait in the queue again; a withdrawal cancels or deletes. Pure.
 * Throws `INTERNAL` for a step that is none of these.
 */
export const afterEvent = (before: RequestState, event: RequestEvent): RequestState => {
  if (event.kind === 'withdraw') return withdrawn(before, event.time)
  if (before.state !== 'queued' && before.state !== 'running') throw refused(before, event)
  switch (event.kind) {
    case 'start':
      return { state: 'running', starts: before.state === 'running' ? before.starts + 1 : 1 }
    case 'wait':
      return { state: 'queued', waitingFor: event.reason }
    case 'done':
      if (before.state === 'queued') throw refused(before, event)
      return { state: 'done', finished: event.time }
    case 'failed':
      if (before.state === 'queued') throw refused(before, event)
      return { state: 'failed', finished: event.time, error: event.error }
  }
}
