import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type Canonical, decodeCanonical, encodeCanonical, hashBytes, hashCanonical } from './canonical.ts'

const vectors = (name: string): { what: string; value: unknown; hex: string }[] =>
  JSON.parse(readFileSync(new URL(`../../test/vectors/v1/${name}.json`, import.meta.url), 'utf8'))

/** JSON with {"$bytes": hex} and {"$int": decimal} for what JSON lacks. */
const untag = (value: unknown): Canonical => {
  if (Array.isArray(value)) return value.map(untag)
  if (typeof value !== 'object' || value === null) return value as Canonical
  if ('$bytes' in value) return new Uint8Array(Buffer.from(value.$bytes as string, 'hex'))
  if ('$int' in value) return BigInt(value.$int as string)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untag(item)]))
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const invalid = expect.objectContaining({ code: 'CANONICAL_INVALID' })

describe('canonical bytes', () => {
  it.each(vectors('canonical'))('$what is written and read as $hex', (vector) => {
    expect(hex(encodeCanonical(untag(vector.value)))).toBe(vector.hex)
    expect(decodeCanonical(Buffer.from(vector.hex, 'hex'))).toEqual(untag(vector.value))
  })

  it.each(vectors('canonical-refused'))('$what ($hex) is refused', (vector) => {
    expect(() => decodeCanonical(Buffer.from(vector.hex, 'hex'))).toThrow(invalid)
  })

  it.each<[string, unknown, string]>([
    ['undefined', { a: { b: undefined } }, 'a.b'],
    ['not a number', [0, Number.NaN], '[1]'],
    ['infinity', { x: -Infinity }, 'x'],
    ['a hole in an array', Array(2), '[0]'],
    ['an integer of 65 bits', { big: 2n ** 64n }, 'big'],
    ['a negative integer of 65 bits', { big: -(2n ** 64n) - 1n }, 'big'],
    ['a lone surrogate', ['\ud800'], '[0]'],
    ['a date', { at: new Date(0) }, 'at'],
    ['a map', new Map(), ''],
    ['other typed arrays', { v: new Float64Array(1) }, 'v'],
    ['a function', { f: () => 0 }, 'f'],
  ])('%s has no encoding, and the path is named', (_, value, field) => {
    const place = field === '' ? {} : { field }
    expect(() => encodeCanonical(value as Canonical)).toThrow(
      expect.objectContaining({ code: 'CANONICAL_INVALID', place }),
    )
  })

  it('refuses nesting deep enough to overflow a stack, in both directions', () => {
    let deep: Canonical = 0
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(() => encodeCanonical(deep)).toThrow(invalid)
    expect(() => decodeCanonical(new Uint8Array(1_000_000).fill(0x81))).toThrow(invalid)
  })

  it('refuses more bytes than the limit before reading them', () => {
    const bytes = encodeCanonical(new Uint8Array(100))
    expect(decodeCanonical(bytes, bytes.length)).toEqual(new Uint8Array(100))
    expect(() => decodeCanonical(bytes, bytes.length - 1)).toThrow(invalid)
  })

  it('an own __proto__ key is a key and not a prototype', () => {
    const value = JSON.parse('{"__proto__": {"admin": true}}') as Canonical
    const read = decodeCanonical(encodeCanonical(value)) as Record<string, Canonical>
    expect(Object.hasOwn(read, '__proto__')).toBe(true)
    expect(read.admin).toBeUndefined()
  })

  const canonical = fc.letrec<{ value: Canonical }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger().map((n) => n + 0),
      fc.oneof(fc.bigInt(2n ** 53n, 2n ** 64n - 1n), fc.bigInt(-(2n ** 64n), -(2n ** 53n))),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      fc.uint8Array({ maxLength: 40 }),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(fc.string({ unit: 'binary', maxLength: 30 }), tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).value

  property.prop([canonical])('round trip: reading gives the value back, writing again the same bytes', (value) => {
    const bytes = encodeCanonical(value)
    const read = decodeCanonical(bytes)
    expect(read).toEqual(value)
    expect(hex(encodeCanonical(read))).toBe(hex(bytes))
  })

  property.prop([fc.dictionary(fc.string(), fc.integer(), { noNullPrototype: true })])(
    'the order in which keys were written down does not show',
    (record) => {
      const turned = Object.fromEntries(Object.entries(record).reverse())
      expect(hex(encodeCanonical(turned))).toBe(hex(encodeCanonical(record)))
    },
  )

  property.prop([fc.uint8Array({ maxLength: 60 })], { numRuns: 2000 })(
    'any bytes are the one encoding of what they read as, or refused',
    (bytes) => {
      let value: Canonical
      try {
        value = decodeCanonical(bytes)
      } catch (error) {
        expect(error).toEqual(invalid)
        return
      }
      expect(hex(encodeCanonical(value))).toBe(hex(bytes))
    },
  )

  it('hashes are separated by kind and are plain SHA-256 of what the page says', () => {
    const expected = createHash('sha256')
      .update('tributary/v1/study\0')
      .update(encodeCanonical({ a: 1 }))
      .digest('hex')
    expect(hashCanonical('study', { a: 1 })).toBe(expected)
    expect(hashCanonical('roster', { a: 1 })).not.toBe(expected)
    expect(() => hashCanonical('study\0', 1)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    expect(hashBytes(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})
