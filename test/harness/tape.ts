import { createCipheriv, createHash } from 'node:crypto'
import type { RandomPurpose, RandomStreams } from '@tributary/shared/ports'

/** A stream that repeats: bytes of a key, with others put in between at some place. Tests alone have such a thing. */
export interface Splice {
  readonly at: number
  readonly bytes: Uint8Array
}

const tapeOf = (seed: number, purpose: string) => {
  const key = createHash('sha256').update(`${seed} ${purpose}`).digest()
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
  return (length: number) => new Uint8Array(cipher.update(new Uint8Array(length)))
}

/**
 * Streams that give the same bytes for the same seed and count what is taken of them. `splices` puts an added patient's own bits
 * where that patient stands, so that everybody else keeps theirs: the coupling under which neighbouring tables are compared.
 */
export class TapedStreams {
  readonly taken: { readonly purpose: RandomPurpose; bytes: number }[] = []
  readonly open: RandomStreams

  constructor(seed: number, splices: Partial<Record<RandomPurpose, Splice>> = {}) {
    this.open = (purpose) => {
      const next = tapeOf(seed, purpose)
      const splice = splices[purpose]
      const use = { purpose, bytes: 0 }
      this.taken.push(use)
      return {
        fill: (bytes) => {
          for (let i = 0; i < bytes.length; ) {
            const inside = splice === undefined ? -1 : use.bytes - splice.at
            if (splice !== undefined && inside >= 0 && inside < splice.bytes.length) {
              bytes[i++] = splice.bytes[inside]!
              use.bytes++
              continue
            }
            const until = splice !== undefined && inside < 0 ? -inside : Number.POSITIVE_INFINITY
            const length = Math.min(bytes.length - i, until)
            bytes.set(next(length), i)
            i += length
            use.bytes += length
          }
        },
      }
    }
  }
}

/** The first bytes that a purpose's stream gives. */
export const firstBytes = (seed: number, purpose: RandomPurpose, length: number): Uint8Array =>
  tapeOf(seed, purpose)(length)
