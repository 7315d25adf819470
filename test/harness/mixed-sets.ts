import type { Modulus } from '@tributary/shared/he/residues'
import { inverse } from '@tributary/shared/he/residues'

/** Who does not collude in one attempt, and what a plan lets a coordinator tell them. */
export interface HonestParties {
  /** Honest share holders, by their points. */
  readonly points: readonly number[]
  /** Honest dealers, holders among them. */
  readonly dealers: number
  /** Dealers that the set told to a holder may leave out. */
  readonly absent: number
  /** Honest answers that a sum of keys takes: the threshold less the colluders who are holders. */
  readonly answers: number
}

/** Different sets told to honest holders, and weights of their answers whose sum depends on keys only. */
export interface MixedSets {
  /** By honest holder: which dealers are in the set that it was told. */
  readonly told: readonly (readonly boolean[])[]
  readonly weights: readonly bigint[]
}

type Row = readonly bigint[]

/** What of `basis` keeps rows . equation = 0. */
const within = (modulus: Modulus, basis: readonly Row[], equation: Row): readonly Row[] => {
  const q = modulus.value
  const products = basis.map((row) => row.reduce((sum, each, i) => (sum + each * equation[i]!) % q, 0n))
  const pivot = products.findIndex((product) => product !== 0n)
  if (pivot < 0) return basis
  const scale = inverse(modulus, products[pivot]!)
  return basis.flatMap((row, i) => {
    if (i === pivot) return []
    const factor = (products[i]! * scale) % q
    return [factor === 0n ? row : row.map((each, j) => (((each - factor * basis[pivot]![j]!) % q) + q) % q)]
  })
}

/**
 * The first family of sets, not all the same for the holders whose answers are used, of which some sum of answers depends on keys
 * only; undefined after all families have been tried. Dealers are told apart by the holders that are told of them alone, so it tries
 * all ways to be told, each with how many dealers it may have, and carries the weights along that still cancel everything but
 * keys: over the holders told of a dealer the sum of L_j x_j^i is 0 for i = 1 .. answers - 1. Cost: exponential in the holders; a second
 * for 7.
 */
export const mixedSets = (modulus: Modulus, honest: HonestParties): MixedSets | undefined => {
  const { points, dealers, absent, answers } = honest
  const q = modulus.value
  const places = points.map((_, place) => place)
  const powers = Array.from({ length: answers - 1 }, (_, i) => points.map((x) => BigInt(x) ** BigInt(i + 1) % q))
  const isTold = (missing: number, place: number) => (missing & (1 << place)) === 0
  const missed = places.map(() => 0)
  const isRoom = (missing: number) => places.every((place) => isTold(missing, place) || missed[place]! < absent)
  /** `then` with one more dealer of whom the holders in `missing` are not told. */
  const withDealer = <T>(missing: number, then: () => T): T => {
    const count = (by: number) => {
      for (const place of places) if (!isTold(missing, place)) missed[place]! += by
    }
    count(1)
    const result = then()
    count(-1)
    return result
  }

  /** All dealers, where the rest of them can be like some in `kinds`. */
  const filled = (kinds: readonly number[], from: number, rest: number): readonly number[] | undefined => {
    if (rest === 0) return kinds
    for (const [i, kind] of kinds.entries()) {
      if (i < from || !isRoom(kind)) continue
      const more = withDealer(kind, () => filled(kinds, i, rest - 1))
      if (more !== undefined) return [...more, kind]
    }
    return undefined
  }

  const found = (kinds: readonly number[], basis: readonly Row[]): MixedSets | undefined => {
    const used = places.filter((place) => basis.some((row) => row[place] !== 0n))
    const isSplit = (kind: number) => new Set(used.map((place) => isTold(kind, place))).size > 1
    const all = kinds.some(isSplit) ? filled(kinds, 0, dealers - kinds.length) : undefined
    if (all === undefined) return undefined
    // The rows times powers of a number that makes no used place 0; each place rules out few.
    for (let base = 1n; ; base++) {
      const weights = places.map((place) => basis.reduce((sum, row) => (sum * base + row[place]!) % q, 0n))
      if (used.every((place) => weights[place] !== 0n))
        return { told: places.map((place) => all.map((kind) => isTold(kind, place))), weights }
    }
  }

  const search = (kinds: readonly number[], basis: readonly Row[]): MixedSets | undefined => {
    if (basis.length === 0 || kinds.length > dealers) return undefined
    const mixed = found(kinds, basis)
    if (mixed !== undefined) return mixed
    for (let kind = (kinds.at(-1) ?? -1) + 1; kind < 2 ** points.length; kind++) {
      if (!isRoom(kind)) continue
      const equations = powers.map((power) => power.map((each, place) => (isTold(kind, place) ? each : 0n)))
      const rest = equations.reduce((left, equation) => within(modulus, left, equation), basis)
      const more = withDealer(kind, () => search([...kinds, kind], rest))
      if (more !== undefined) return more
    }
    return undefined
  }
  return search(
    [],
    places.map((place) => places.map((other) => (other === place ? 1n : 0n))),
  )
}
