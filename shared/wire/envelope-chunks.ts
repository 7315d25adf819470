import { CodedError } from '../errors.ts'
import { asBuffer, chunkBytes } from './envelope.ts'
import type { Chunk__Output } from './generated/tributary/v1/Chunk.ts'
import { PROTOCOL_VERSION } from './signed.ts'

/** Cuts pieces of any size into chunks of at most `chunkBytes`, leaving out the first `from` bytes. Holds one piece. */
export async function* chunksOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, from = 0) {
  let offset = 0
  for await (const piece of pieces) {
    for (let start = Math.max(0, from - offset); start < piece.length; start += chunkBytes) {
      const data = asBuffer(piece.subarray(start, start + chunkBytes))
      yield { protocol: PROTOCOL_VERSION, offset: offset + start, data }
    }
    offset += piece.length
  }
}

/** The data of a chunk that must start at `offset`; `FRAME_INVALID` at a gap, a repeat or an oversized chunk. */
export const chunkAt = (chunk: Chunk__Output, offset: number): Uint8Array => {
  if (chunk.offset !== offset || chunk.data.length === 0 || chunk.data.length > chunkBytes) {
    throw new CodedError(
      'FRAME_INVALID',
      `expected a chunk at byte ${offset}, got ${chunk.data.length} bytes at ${chunk.offset}`,
    )
  }
  return chunk.data
}
