import { CodedError } from '../errors.ts'

/** Weights as they travel and are hashed: float32, little-endian, in the network's packed order. */
export const encodeParameters = (parameters: Float32Array): Uint8Array => {
  const bytes = new Uint8Array(4 * parameters.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < parameters.length; i++) view.setFloat32(4 * i, parameters[i] as number, true)
  return bytes
}

/** Throws `ROUND_REFUSED` for another number of weights or one that is not finite (R14), before any row is read. */
export const decodeParameters = (bytes: Uint8Array, dimension: number): Float32Array => {
  if (bytes.length !== 4 * dimension)
    throw new CodedError('ROUND_REFUSED', `the model has ${bytes.length} bytes, ${4 * dimension} were expected`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const parameters = new Float32Array(dimension)
  for (let i = 0; i < dimension; i++) {
    const value = view.getFloat32(4 * i, true)
    if (!Number.isFinite(value)) throw new CodedError('ROUND_REFUSED', `weight ${i} of the model is not finite`)
    parameters[i] = value
  }
  return parameters
}
