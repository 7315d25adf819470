import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { frameLength, newFrame, openFrame } from './frame.ts'
import { modulusOf } from './residues.ts'

const vector = JSON.parse(readFileSync(new URL('../../test/vectors/v1/frame.json', import.meta.url), 'utf8'))
const bytes = () => new Uint8Array(Buffer.from(vector.hex, 'hex'))
const ring = { degree: vector.degree as number, q: modulusOf(BigInt(vector.modulus)) }
const residues = (vector.residues as string[]).map(BigInt)
const invalid = (field: string) => expect.objectContaining({ code: 'FRAME_INVALID', place: { field } })
const changed = (at: number, value: number) => {
  const frame = bytes()
  frame[at] = value
  return frame
}

describe('frame', () => {
  it('is written and read as the vector says', () => {
    const { frame, residues: body } = newFrame(ring, vector.blocks)
    body.set(residues)
    expect(Buffer.from(frame).toString('hex')).toBe(vector.hex)
    expect(frame).toHaveLength(frameLength(ring, vector.blocks))
    expect([...openFrame(ring, bytes(), vector.blocks)]).toEqual(residues)
  })

  it('is read at any offset of a larger buffer', () => {
    for (let offset = 0; offset < 9; offset++) {
      const buffer = new Uint8Array(200)
      buffer.set(bytes(), offset)
      const frame = buffer.subarray(offset, offset + bytes().length)
      expect([...openFrame(ring, frame, vector.blocks)]).toEqual(residues)
    }
  })

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'length'],
    ['half a header', bytes().subarray(0, 15), 'length'],
    ['cut short', bytes().subarray(0, -1), 'length'],
    ['a block short', bytes().subarray(0, -32), 'length'],
    ['a byte too long', Buffer.concat([bytes(), new Uint8Array(1)]), 'length'],
    ['another magic', changed(0, 0), 'magic'],
    ['another version', changed(4, 2), 'version'],
    ['a reserved bit', changed(7, 1), 'reserved'],
    ['other blocks', changed(8, 3), 'blocks'],
    ['huge blocks', changed(11, 255), 'blocks'],
    ['other coefficients', changed(13, 16), 'coefficients'],
    ['a residue of 2^64 - 1', Buffer.concat([bytes().subarray(0, -8), new Uint8Array(8).fill(255)]), 'residues'],
  ])('%s is refused, naming the field', (_, frame, field) => {
    expect(() => openFrame(ring, frame, vector.blocks)).toThrow(invalid(field))
  })

  property.prop([fc.nat(7), fc.bigInt(0n, 2n ** 64n - 1n)])(
    'a residue passes exactly below q; else its offset is named',
    (at, value) => {
      const frame = bytes()
      new DataView(frame.buffer).setBigUint64(16 + at * 8, value, true)
      if (value < ring.q.value) expect(openFrame(ring, frame, 2)[at]).toBe(value)
      else expect(() => openFrame(ring, frame, 2)).toThrow(`byte ${16 + at * 8} `)
    },
  )

  it('of q itself is refused, of q - 1 is not', () => {
    const frame = bytes()
    new DataView(frame.buffer).setBigUint64(16, ring.q.value, true)
    expect(() => openFrame(ring, frame, 2)).toThrow(invalid('residues'))
    new DataView(frame.buffer).setBigUint64(16, ring.q.value - 1n, true)
    expect(openFrame(ring, frame, 2)[0]).toBe(ring.q.value - 1n)
  })
})
