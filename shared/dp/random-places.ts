import type { RandomSource } from '../ports.ts'

const TWO_32 = 2 ** 32

/** Most places: products of a 32-bit word and a number of places stay below 2^53. */
export const mostPlaces = 2 ** 20

/**
 * The numbers 0 .. size - 1 in random order (Fisher and Yates 1938; Durstenfeld 1964), size at most 2^20. Each choice among m takes
 * 96 random bits w and is floor(m w / 2^96), so that it is within m 2^-96 of uniform, and the whole order within size^2 2^-97 in
 * total variation: 2^-57 at most, 2^-77 for a thousand places. Bytes read depend on the size alone; no step looks at them but to
 * address. Cost: 12 random bytes and three products a place.
 */
export const randomPlaces = (random: RandomSource, size: number): Uint32Array => {
  if (!(size <= mostPlaces)) throw new RangeError(`at most ${mostPlaces} places`)
  const places = Uint32Array.from({ length: size }, (_, i) => i)
  const words = new Uint32Array(3 * size)
  random.fill(new Uint8Array(words.buffer))
  for (let i = 0; i < size; i++) {
    const left = size - i
    let carry = 0
    for (let w = 3 * i; w < 3 * i + 3; w++) carry = Math.floor((left * words[w]! + carry) / TWO_32)
    const other = i + carry
    const place = places[other]!
    places[other] = places[i]!
    places[i] = place
  }
  words.fill(0)
  return places
}
