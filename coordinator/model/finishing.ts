import type { Manifest } from '@tributary/shared/study/study-schema'
import { Training } from './training.ts'

export interface FinishOrder {
  readonly manifest: Manifest
  /** Bytes of the training after its last sum. */
  readonly training: Uint8Array
}

/** Where a training is finished: a fit may take a minute. Equal orders give equal bytes, so that it may be asked again. */
export interface Finishing {
  /** Bytes of the finished training. Throws `STATE_CORRUPT`. */
  finish(order: FinishOrder): Promise<Uint8Array>
  /** Lets go of everything; nothing can be asked any more. */
  close(): Promise<void>
}

/** Does it in the thread that it is made in. */
export class FinishingWork implements Finishing {
  async finish({ manifest, training }: FinishOrder): Promise<Uint8Array> {
    return (await Training.decode(manifest, training).finish()).encode()
  }

  /** Nothing outlives a call. */
  async close(): Promise<void> {}
}
