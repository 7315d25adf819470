import type { Query } from '@tributary/shared/dp/query'
import type { Engine } from '@tributary/shared/tensor/engine'
import type { Manifest } from '@tributary/shared/study/manifest'
import type { ErrorMessage } from '@tributary/shared/system/thread-error'
import type { loadRecords } from '../records/load-records.ts'

/** What a query thread is started with: it reads the table itself, so no row is ever in the thread that talks to the network. */
export interface ThreadStudy {
  readonly manifest: Manifest
  readonly site: string
  readonly source: Parameters<typeof loadRecords>[1]
  /** The data directory that holds the holdout key; asked for by a study with an evaluation. */
  readonly holdout?: string
}

export interface OrderMessage {
  readonly id: number
  readonly queryIndex: number
  readonly parameters: Float32Array
}

/** What a thread computes with, for people and reports. */
export type EngineFacts = Pick<Engine, 'name' | 'description'>

/** `loaded` or `unloaded` first, the latter as the thread's last word; then one reply for each order. */
export type ReplyMessage =
  | { readonly kind: 'loaded'; readonly engine: EngineFacts }
  | { readonly kind: 'unloaded'; readonly error: ErrorMessage }
  | {
      readonly kind: 'integers'
      readonly id: number
      readonly query: Pick<Query, 'kind' | 'dimension'>
      readonly integers: Float64Array
    }
  | { readonly kind: 'error'; readonly id: number; readonly error: ErrorMessage }
