import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { osRandom } from '../../test/harness/sealed-round.ts'
import { frameLength, openFrame, packFrame } from './frame.ts'
import { fillUniform, modulusOf } from './residues.ts'
import { ringFacts } from './ring-parameters.ts'

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

/** A frame whose `values` of any 58 bits lie where residues do, written bit by bit. */
const forged = (values: readonly bigint[]) => {
  const body = values.reduce((sum, value, i) => sum | (value << BigInt(58 * i)), 0n)
  const frame = bytes()
  for (let i = 16; i < frame.length; i++) frame[i] = Number((body >> BigInt(8 * (i - 16))) & 255n)
  return frame
}

describe('frame', () => {
  it('is written and read as the vector says', () => {
    const frame = packFrame(ring, BigUint64Array.from(residues))
    expect(Buffer.from(frame).toString('hex')).toBe(vector.hex)
    expect(frame).toHaveLength(frameLength(ring, vector.blocks))
    expect([...openFrame(ring, bytes(), vector.blocks)]).toEqual(residues)
  })

  it('of the secure ring has 29,696 bytes a block, 58 bits a residue', () => {
    expect([1, 8].map((blocks) => frameLength(ringFacts, blocks))).toEqual([16 + 29_696, 16 + 8 * 29_696])
    const many = new BigUint64Array(3 * 4096)
    fillUniform(ringFacts.q, many, osRandom)
    const frame = packFrame(ringFacts, many)
    expect(openFrame(ringFacts, frame, 3)).toEqual(many)
    expect(() => packFrame(ringFacts, many.subarray(1))).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  it('is read at any offset of a larger buffer, into memory of its own', () => {
    for (let offset = 0; offset < 9; offset++) {
      const buffer = new Uint8Array(200)
      buffer.set(bytes(), offset)
      const frame = buffer.subarray(offset, offset + bytes().length)
      const read = openFrame(ring, frame, vector.blocks)
      buffer.fill(255)
      expect([...read]).toEqual(residues)
    }
  })

  property.prop([fc.integer({ min: 34, max: 59 }), fc.nat(3), fc.bigInt(1n, 2n ** 59n)])(
    'of a modulus of any length from 34 to 59 bits gives back what was packed',
    (bits, blocks, below) => {
      const modulus = modulusOf((1n << BigInt(bits)) - 1n - (below % (1n << BigInt(bits - 1))))
      const any = { degree: 16, q: modulus }
      const values = new BigUint64Array(16 * blocks)
      fillUniform(modulus, values, osRandom)
      const edges = [0n, modulus.value - 1n, 1n]
      for (let i = 0; i < values.length; i += 3) values[i] = edges[randomInt(3)]!
      const frame = packFrame(any, values)
      expect(frame).toHaveLength(16 + 2 * bits * blocks)
      expect(openFrame(any, frame, blocks)).toEqual(values)
    },
  )

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'length'],
    ['half a header', bytes().subarray(0, 15), 'length'],
    ['cut short', bytes().subarray(0, -1), 'length'],
    ['a block short', bytes().subarray(0, -29), 'length'],
    ['a byte too long', Buffer.concat([bytes(), new Uint8Array(1)]), 'length'],
    ['twice over', Buffer.concat([bytes(), bytes()]), 'length'],
    ['another magic', changed(0, 0), 'magic'],
    ['the version before', changed(4, 1), 'version'],
    ['residues of 64 bits', changed(6, 64), 'bits'],
    ['residues of 314 bits', changed(7, 1), 'bits'],
    ['other blocks', changed(8, 3), 'blocks'],
    ['huge blocks', changed(11, 255), 'blocks'],
    ['other coefficients', changed(13, 16), 'coefficients'],
    ['a residue of 2^58 - 1', forged([...residues.slice(0, 7), 2n ** 58n - 1n]), 'residues'],
  ])('%s is refused, naming the field', (_, frame, field) => {
    expect(() => openFrame(ring, frame, vector.blocks)).toThrow(invalid(field))
  })

  const nearly = fc.bigInt(ring.q.value - 3n, ring.q.value + 3n)
  property.prop([fc.nat(7), fc.oneof(fc.bigInt(0n, 2n ** 58n - 1n), nearly)])(
    'a residue passes exactly below q; else its place is named',
    (at, value) => {
      const frame = forged(residues.with(at, value))
      if (value < ring.q.value) expect([...openFrame(ring, frame, 2)]).toEqual(residues.with(at, value))
      else {
        const place = `coefficient ${at % 4} of block ${at >> 2} `
        expect(() => openFrame(ring, frame, 2)).toThrow(place)
      }
    },
  )

  it('of q itself is refused, of q - 1 is not', () => {
    expect(() => openFrame(ring, forged(residues.with(0, ring.q.value)), 2)).toThrow(invalid('residues'))
    expect(openFrame(ring, forged(residues.with(0, ring.q.value - 1n)), 2)[0]).toBe(ring.q.value - 1n)
  })
})
