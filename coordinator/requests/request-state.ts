import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'

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

/** How far a request has come. `starts` counts how often its making began: more than once after a crash. */
export type RequestState =
  | { readonly state: 'queued' }
  | { readonly state: 'running'; readonly starts: number }
  | { readonly state: 'done'; readonly finished: number }
  | { readonly state: 'failed'; readonly finished: number; readonly error: RequestError }

export type RequestEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'done'; readonly time: number }
  | { readonly kind: 'failed'; readonly time: number; readonly error: RequestError }

/** queued -> running -> done | failed; running may start again. Pure. Throws `INTERNAL` for a step that is none of these. */
export const afterEvent = (before: RequestState, event: RequestEvent): RequestState => {
  if (event.kind === 'start' && before.state === 'queued') return { state: 'running', starts: 1 }
  if (before.state === 'running') {
    switch (event.kind) {
      case 'start':
        return { state: 'running', starts: before.starts + 1 }
      case 'done':
        return { state: 'done', finished: event.time }
      case 'failed':
        return { state: 'failed', finished: event.time, error: event.error }
    }
  }
  throw new CodedError('INTERNAL', `a request that is ${before.state} cannot be followed by ${event.kind}`)
}
