import { createHash } from 'node:crypto'
import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import { CodedError } from '../errors.ts'
import { type Digest, digest } from '../ids.ts'

/**
 * A value with exactly one encoding: the deterministic subset of CBOR (RFC 8949 section 4.2.1) that docs/canonical-bytes.md
 * lists. Whole numbers are integers of up to 64 bits (`number` while safe, else `bigint`); any other number is a float64.
 */
export type Canonical =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Canonical[]
  | { readonly [key: string]: Canonical }

/** Nesting allowed in either direction: more than any message has, little enough that no stack overflows. */
const deepest = 64
const defaultLimit = 16 * 2 ** 20

const refuse = (why: string, field = '', cause?: unknown): never => {
  throw new CodedError('CANONICAL_INVALID', why, { ...(field === '' ? {} : { place: { field } }), cause })
}

const isPlainObject = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Walks `value` and refuses what has no encoding; `field` is the path so far. */
const check = (value: unknown, field: string, depth: number): void => {
  if (depth > deepest) refuse(`nested deeper than ${deepest}`, field)
  switch (typeof value) {
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value)) refuse('not a finite number', field)
      return
    case 'bigint':
      if (value >= 2n ** 64n || value < -(2n ** 64n)) refuse('an integer of more than 64 bits', field)
      return
    case 'string':
      if (!value.isWellFormed()) refuse('text that is not well-formed Unicode', field)
      return
    case 'object':
      if (value === null || value instanceof Uint8Array) return
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) check(value[i], `${field}[${i}]`, depth + 1)
        return
      }
      if (!isPlainObject(value)) refuse('an object that is neither bytes, an array nor a plain record', field)
      for (const [key, item] of Object.entries(value)) {
        if (!key.isWellFormed()) refuse('a key that is not well-formed Unicode', field)
        check(item, field === '' ? key : `${field}.${key}`, depth + 1)
      }
      return
    default:
      refuse(`${typeof value} has no canonical form`, field)
  }
}

/**
 * The one encoding of `value`. Map keys sort by the bytes of their encodings. Throws `CANONICAL_INVALID`, naming the path, for
 * undefined, NaN, infinities, functions, class instances and integers beyond 64 bits. -0 is written as 0. Time and memory grow
 * with the size of the value.
 */
export const encodeCanonical = (value: Canonical): Uint8Array => {
  check(value, '', 0)
  // Buffers are Uint8Arrays of another name; cborg writes both as byte strings.
  return encode(value, { ...rfc8949EncodeOptions, float64: true })
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && Buffer.compare(Buffer.from(a.buffer, a.byteOffset, a.length), b) === 0

/**
 * Reads bytes that must be exactly what `encodeCanonical` writes: anything longer than `limit` bytes, any tag, any second
 * encoding of the same value, any trailing byte is `CANONICAL_INVALID`.
 */
export const decodeCanonical = (bytes: Uint8Array, limit: number = defaultLimit): Canonical => {
  if (bytes.length > limit) refuse(`${bytes.length} bytes where at most ${limit} are allowed`)
  let value: Canonical
  try {
    value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: true,
      rejectDuplicateMapKeys: true,
    })
  } catch (cause) {
    // The decoder's text may quote a key; keep it as cause only.
    return refuse('not the canonical encoding of any value', '', cause)
  }
  if (!sameBytes(encodeCanonical(value), bytes)) refuse('a second encoding of a value')
  return value
}

const kindForm = /^[a-z0-9]+([/-][a-z0-9]+)*$/

/** `"tributary/v1/" + kind` and one zero byte: no two kinds of hashed or signed bytes can be taken for one another. */
export const domainPrefix = (kind: string): Uint8Array => {
  if (!kindForm.test(kind)) throw new CodedError('INTERNAL', 'a kind is made of a-z, 0-9, "-" and "/"')
  return Buffer.from(`tributary/v1/${kind}\0`, 'latin1')
}

/** SHA-256 of `domainPrefix(kind)` and the canonical encoding of `value`. */
export const hashCanonical = (kind: string, value: Canonical): Digest =>
  digest(createHash('sha256').update(domainPrefix(kind)).update(encodeCanonical(value)).digest('hex'))

/** Plain SHA-256 of bytes that are already the thing itself (a frame, a file, a public key). */
export const hashBytes = (bytes: Uint8Array): Digest => digest(createHash('sha256').update(bytes).digest('hex'))
