import { createCipheriv, randomBytes } from 'node:crypto'
import type { RandomSource, RandomStreams } from '../ports.ts'

const BLOCK = 1 << 16

/**
 * One stream: the AES-256-CTR keystream of a key and counter fresh from the operating system. The key lives only inside the
 * cipher object; handed-out bytes are wiped from the buffer.
 */
const osRandomSource = (): RandomSource => {
  const key = randomBytes(32)
  const cipher = createCipheriv('aes-256-ctr', key, randomBytes(16))
  key.fill(0)
  const zeros = new Uint8Array(BLOCK)
  let block = new Uint8Array(0)
  let used = 0
  return {
    fill(bytes) {
      for (let written = 0; written < bytes.length; ) {
        if (used === block.length) {
          block = cipher.update(zeros)
          used = 0
        }
        const part = block.subarray(used, used + Math.min(bytes.length - written, block.length - used))
        bytes.set(part, written)
        part.fill(0)
        used += part.length
        written += part.length
      }
    },
  }
}

/**
 * Secret randomness for one attempt: every call opens a stream under a new operating-system key, never seeded, persisted or
 * rewound (R16). Asking twice for one purpose gives two unrelated streams. About 500 MB/s on one core.
 */
export const osRandomStreams = (): RandomStreams => () => osRandomSource()
