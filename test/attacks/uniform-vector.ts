import { randomFillSync } from 'node:crypto'

/** A vector that nothing tells of but itself. */
export const uniform = ({ dimension, bound }: { readonly dimension: number; readonly bound: number }): Float64Array => {
  const words = randomFillSync(new Uint32Array(dimension * 2))
  return Float64Array.from({ length: dimension }, (_, i) => {
    const fraction = ((words[2 * i] as number) + (words[2 * i + 1] as number) / 2 ** 32) / 2 ** 32
    return Math.min(bound, Math.floor(fraction * (2 * bound + 1)) - bound)
  })
}
