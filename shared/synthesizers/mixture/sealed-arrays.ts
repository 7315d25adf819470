import { CodedError } from '../../errors.ts'
import { hashBytes } from '../../wire/canonical.ts'

/*
 * Bytes: one line of JSON that begins with its format, the arrays little-endian without gaps, SHA-256 of all before. Equal
 * contents give equal bytes. The line says how long every array is.
 */

type NumberArray = Float32Array | Float64Array | Uint16Array
const kinds = { f4: Float32Array, f8: Float64Array, u2: Uint16Array } as const
type Kind = keyof typeof kinds

const digestBytes = 32

const kindOf = (array: NumberArray): Kind =>
  array instanceof Float64Array ? 'f8' : array instanceof Float32Array ? 'f4' : 'u2'

export const sealArrays = (format: string, header: object, arrays: readonly NumberArray[]): Uint8Array => {
  const shapes = arrays.map((array) => [kindOf(array), array.length])
  const line = new TextEncoder().encode(`${JSON.stringify({ format, ...header, arrays: shapes })}\n`)
  const length = arrays.reduce((total, array) => total + array.byteLength, line.length)
  const bytes = new Uint8Array(length + digestBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(line)
  let at = line.length
  for (const array of arrays) {
    const width = array.BYTES_PER_ELEMENT
    for (let i = 0; i < array.length; i++, at += width)
      if (width === 8) view.setFloat64(at, array[i]!, true)
      else if (width === 4) view.setFloat32(at, array[i]!, true)
      else view.setUint16(at, array[i]!, true)
  }
  bytes.set(Buffer.from(hashBytes(bytes.subarray(0, length)), 'hex'), length)
  return bytes
}

export interface OpenedArrays {
  readonly header: Readonly<Record<string, unknown>>
  /** The next array in order, which must be of this kind and, where given, length. */
  next<K extends Kind>(kind: K, length?: number): InstanceType<(typeof kinds)[K]>
}

/**
 * Reads what `sealArrays` wrote and hands it to `read`, which must take every array; what it throws, and bytes that are damaged or
 * of another format, become `STATE_CORRUPT`: "the bytes are not `what`".
 */
export const openArrays = <T>(
  bytes: Uint8Array,
  format: string,
  what: string,
  read: (opened: OpenedArrays) => T,
): T => {
  try {
    const body = bytes.subarray(0, bytes.length - digestBytes)
    if (!Buffer.from(hashBytes(body), 'hex').equals(bytes.subarray(body.length))) throw new RangeError('digest')
    const lineEnd = body.indexOf(10)
    const header = JSON.parse(new TextDecoder().decode(body.subarray(0, lineEnd))) as Record<string, unknown>
    if (header.format !== format) throw new RangeError('format')
    const shapes = header.arrays as [Kind, number][]
    const view = new DataView(body.buffer, body.byteOffset, body.length)
    let at = lineEnd + 1
    let taken = 0
    const result = read({
      header,
      next: (kind, length) => {
        const [found, count] = shapes[taken++] ?? []
        if (found !== kind || count === undefined || (length !== undefined && count !== length))
          throw new RangeError('array')
        const array = new kinds[kind](count)
        const width = array.BYTES_PER_ELEMENT
        for (let i = 0; i < count; i++, at += width)
          array[i] =
            width === 8 ? view.getFloat64(at, true) : width === 4 ? view.getFloat32(at, true) : view.getUint16(at, true)
        return array as InstanceType<(typeof kinds)[typeof kind]>
      },
    })
    if (taken !== shapes.length || at !== body.length) throw new RangeError('length')
    return result
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', `the bytes are not ${what}`, { cause })
  }
}
