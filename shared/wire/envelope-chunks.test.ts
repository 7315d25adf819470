import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { chunkBytes } from './envelope.ts'
import { chunkAt, chunksOf } from './envelope-chunks.ts'

const pieces = fc.array(fc.integer({ min: 0, max: 3 * chunkBytes }), { maxLength: 5 })

test.prop([pieces, fc.double({ min: 0, max: 1, noNaN: true })], { numRuns: 30 })(
  'whatever the pieces and the starting byte, the chunks are small, without a gap, and give the rest of the bytes',
  async (sizes, share) => {
    const whole = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0)).map((_, i) => (i * 7 + (i >> 9)) & 255)
    let start = 0
    const cut = sizes.map((size) => whole.subarray(start, (start += size)))
    const from = Math.floor(share * whole.length)
    const received: Uint8Array[] = []
    let offset = from
    for await (const chunk of chunksOf(cut, from)) {
      const data = chunkAt(chunk, offset)
      expect(data.length).toBeLessThanOrEqual(chunkBytes)
      offset += data.length
      received.push(data)
    }
    expect(Buffer.concat(received).equals(whole.subarray(from))).toBe(true)
  },
)
