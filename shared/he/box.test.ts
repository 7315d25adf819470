import { createPublicKey } from 'node:crypto'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { digest, roundId, studyId } from '../ids.ts'
import {
  type BoxContext,
  boxKeyBytes,
  boxPublicKeyBytes,
  derivedBoxKey,
  exportBoxKeys,
  importBoxKeys,
  newBoxKeys,
  openBox,
  openBoxWithKey,
  sealBox,
} from './box.ts'

const invalid = expect.objectContaining({ code: 'BOX_INVALID' })
const hash = (digit: string) => digit.repeat(64)
const context: BoxContext = {
  study: studyId(hash('1')),
  round: roundId(hash('2')),
  roster: digest(hash('3')),
  from: 'north',
  to: 'south',
}
const keys = newBoxKeys()
const share = new Uint8Array(1000).map((_, i) => i)
const { box, key } = sealBox(keys.publicKey, context, share)

describe('share box', () => {
  it('opens for its holder and its context, and is larger by 1,136 bytes', () => {
    expect(openBox(keys, context, box)).toEqual(share)
    expect(box).toHaveLength(share.length + 32 + 1088 + 16)
    expect(keys.publicKey).toHaveLength(boxPublicKeyBytes)
    expect(openBox(keys, context, sealBox(keys.publicKey, context, new Uint8Array(0)).box)).toHaveLength(0)
  })

  it.each<[string, Partial<BoxContext>]>([
    ['study', { study: studyId(hash('9')) }],
    ['round', { round: roundId(hash('9')) }],
    ['roster', { roster: digest(hash('9')) }],
    ['sender', { from: 'east' }],
    ['holder', { to: 'east' }],
  ])('R2 does not open for another %s', (_, change) => {
    expect(() => openBox(keys, { ...context, ...change }, box)).toThrow(invalid)
  })

  property.prop([fc.nat(box.length - 1), fc.integer({ min: 1, max: 255 })])(
    'does not open with any byte changed',
    (at, bits) => {
      const changed = box.slice()
      changed[at] = changed[at]! ^ bits
      expect(() => openBox(keys, context, changed)).toThrow(invalid)
    },
  )

  it('does not open cut short, lengthened, or for anybody else', () => {
    for (const length of [0, 31, 1119, 1135, box.length - 1]) {
      expect(() => openBox(keys, context, box.subarray(0, length))).toThrow(invalid)
    }
    expect(() => openBox(keys, context, Buffer.concat([box, Buffer.alloc(1)]))).toThrow(invalid)
    expect(() => openBox(newBoxKeys(), context, box)).toThrow(invalid)
  })

  it('needs both of its keys: one of the two does not open it', () => {
    const other = newBoxKeys()
    expect(() => openBox({ ...keys, x25519: other.x25519 }, context, box)).toThrow(invalid)
    expect(() => openBox({ ...keys, kem: other.kem }, context, box)).toThrow(invalid)
    expect(() => openBox({ ...keys, publicKey: other.publicKey }, context, box)).toThrow(invalid)
  })

  it('of the same share is different every time', () => {
    const again = sealBox(keys.publicKey, context, share).box
    const blocks = [box, again].map((bytes) => Buffer.from(bytes.subarray(1120, 1136)).toString('hex'))
    expect(new Set(blocks).size).toBe(2)
  })

  it('R24 opens with its own key alone, which its holder derives too; no other box, context or key does', () => {
    expect(key).toHaveLength(boxKeyBytes)
    expect(derivedBoxKey(keys, context, box)).toEqual(key)
    expect(openBoxWithKey(key, context, box)).toEqual(share)
    const other = sealBox(keys.publicKey, context, share)
    expect(derivedBoxKey(keys, context, other.box)).toEqual(other.key)
    expect(other.key).not.toEqual(key)
    for (let at = 0; at < boxKeyBytes; at++) {
      const wrong = key.slice()
      wrong[at] = wrong[at]! ^ 1
      expect(() => openBoxWithKey(wrong, context, box)).toThrow(invalid)
    }
    expect(() => openBoxWithKey(key, { ...context, to: 'east' }, box)).toThrow(invalid)
    expect(() => openBoxWithKey(key, context, other.box)).toThrow(invalid)
    expect(() => openBoxWithKey(key.subarray(1), context, box)).toThrow(invalid)
    expect(() => openBoxWithKey(key, context, box.subarray(0, 1135))).toThrow(invalid)
    expect(derivedBoxKey(newBoxKeys(), context, box)).not.toEqual(key)
    // A copy in another deal is owed another key: what a holder shows of it opens nothing of the first.
    const others: Partial<BoxContext>[] = [
      { from: 'east' },
      { to: 'east' },
      { study: studyId(hash('9')) },
      { round: roundId(hash('9')) },
      { roster: digest(hash('9')) },
    ]
    for (const change of others) expect(derivedBoxKey(keys, { ...context, ...change }, box)).not.toEqual(key)
    const zeroPoint = box.slice().fill(0, 0, 32)
    for (const bad of [zeroPoint, box.subarray(0, 1135)])
      expect(() => derivedBoxKey(keys, context, bad)).toThrow(invalid)
  })

  it('is refused for keys of another length and for points that leave no secret', () => {
    expect(() => sealBox(keys.publicKey.subarray(1), context, share)).toThrow(invalid)
    const zeroPoint = keys.publicKey.slice()
    zeroPoint.fill(0, 0, 32)
    expect(() => sealBox(zeroPoint, context, share)).toThrow(invalid)
  })

  it('keys survive storage; damaged or foreign text is refused without quoting it', () => {
    const read = importBoxKeys(exportBoxKeys(keys))
    expect(read.publicKey).toEqual(keys.publicKey)
    expect(openBox(read, context, box)).toEqual(share)
    const [first = '', second = ''] = exportBoxKeys(keys).split(/(?<=END PRIVATE KEY-----\n)/)
    for (const text of ['', 'secret text', first, second + first, first + first, exportBoxKeys(keys).slice(0, -60)]) {
      expect(() => importBoxKeys(text)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
    }
  })

  it('public keys are the raw ends of what OpenSSL exports', () => {
    const der = (key: typeof keys.kem) => createPublicKey(key).export({ type: 'spki', format: 'der' })
    const both = Buffer.concat([der(keys.x25519).subarray(12), der(keys.kem).subarray(22)])
    expect(Buffer.from(keys.publicKey).equals(both)).toBe(true)
  })
})
