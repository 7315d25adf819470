import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { hashBytes } from '../wire/canonical.ts'
import { blocksOfPart, blocksPerPart, partCount, partsDigest } from './parts.ts'

const hashes = [1, 2, 3].map((byte) => hashBytes(Uint8Array.of(byte)))

describe('parts', () => {
  property.prop([fc.integer({ min: 1, max: 500 })])(
    'of a vector have all of its blocks, the last what is left',
    (blocks) => {
      const lengths = Array.from({ length: partCount(blocks) }, (_, part) => blocksOfPart(blocks, part))
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(blocks)
      expect(lengths.slice(0, -1).every((length) => length === blocksPerPart)).toBe(true)
      expect(lengths.at(-1)).toBeGreaterThan(0)
      for (const part of [-1, 0.5, partCount(blocks), Number.NaN]) {
        expect(() => blocksOfPart(blocks, part)).toThrow(
          expect.objectContaining({ code: 'FRAME_INVALID', place: { field: 'part' } }),
        )
      }
    },
  )

  it('have a digest that depends on every part and on their order', () => {
    const all = [hashes, hashes.toReversed(), hashes.slice(1), [...hashes, hashes[0]!], []].map(partsDigest)
    expect(new Set(all).size).toBe(5)
    // By another program: SHA-256 of "tributary/v1/parts", a zero and the CBOR of the three texts.
    expect(partsDigest(hashes)).toBe('89010ac174de01336db57f9ef0795b7be6711dbc674c1ceb629a1247ce88608a')
  })
})
