import { inverse, type Modulus } from '@tributary/shared/he/residues'

/** An honest holder, by its place from 1, and the honest dealers of the set that it is told. */
export interface Told {
  readonly holder: number
  readonly dealers: readonly number[]
}

/** A combination of answers that says something of keys and nothing else. */
export interface KeyMix {
  /** What each answer counts for, once the colluders' known shares are taken out of it; as `told` goes. */
  readonly weights: readonly bigint[]
  /** How often each of `dealers` keys is in it. */
  readonly keys: readonly bigint[]
}

/**
 * Every combination of answers that depends on keys alone, as a basis. Let Z vanish at the colluders. Of dealer v they know
 * f_v up to Z g_v, g_v any polynomial of degree below tau = threshold - colluders, and the answer of holder j, less what they know,
 * is the sum of Z(j) g_v(j) over the set it was told. Weights y_j / Z(j) leave nothing but g_v(0) exactly if, for every v and every
 * e from 1 to tau - 1, the sum of y_j j^e over the holders that were told v is 0. Cost: elimination, O(classes tau holders^2).
 */
export const keyMixes = (
  modulus: Modulus,
  threshold: number,
  colluding: readonly number[],
  told: readonly Told[],
  dealers: readonly number[],
): KeyMix[] => {
  const q = modulus.value
  const tau = threshold - colluding.length
  const isTold = dealers.map((dealer) => told.map((each) => each.dealers.includes(dealer)))
  const classes = new Map(isTold.map((members) => [members.join(), members]))
  const pivots: { readonly column: number; readonly row: bigint[] }[] = []
  for (const members of classes.values())
    for (let e = 1; e < tau && pivots.length < told.length; e++) {
      let row = told.map(({ holder }, j) => (members[j] ? BigInt(holder ** e) : 0n))
      for (const { column, row: pivot } of pivots) {
        const [own, its] = [row[column] as bigint, pivot[column] as bigint]
        if (own !== 0n) row = row.map((entry, j) => (entry * its - (pivot[j] as bigint) * own) % q)
      }
      const column = row.findIndex((entry) => entry !== 0n)
      if (column >= 0) pivots.push({ column, row })
    }
  if (pivots.length === told.length) return []
  const bound = new Set(pivots.map(({ column }) => column))
  const free = told.flatMap((_, j) => (bound.has(j) ? [] : [j]))
  return free.map((one) => {
    const y = told.map((_, j): bigint => (j === one ? 1n : 0n))
    // A row is zero at the pivots before it: from the last one up.
    for (const { column, row } of pivots.toReversed()) {
      const rest = row.reduce((sum, entry, j) => (j === column ? sum : sum + entry * (y[j] as bigint)), 0n)
      y[column] = reduced(-rest * inverse(modulus, reduced(row[column] as bigint, q)), q)
    }
    const keys = isTold.map((members) =>
      reduced(
        members.reduce((sum, isIn, j) => (isIn ? sum + (y[j] as bigint) : sum), 0n),
        q,
      ),
    )
    return { weights: y.map((each, j) => weightOf(modulus, each, told[j] as Told, colluding)), keys }
  })
}

const reduced = (value: bigint, q: bigint): bigint => ((value % q) + q) % q

/** y Z(0) / Z(j): what an answer counts for where its y counts for g_v, whose g_v(0) is the key over Z(0). */
const weightOf = (modulus: Modulus, y: bigint, { holder }: Told, colluding: readonly number[]): bigint => {
  const q = modulus.value
  let [above, below] = [1n, 1n]
  for (const point of colluding) {
    above = reduced(above * BigInt(-point), q)
    below = reduced(below * BigInt(holder - point), q)
  }
  return (y * ((above * inverse(modulus, below)) % q)) % q
}

/**
 * Whether those combinations come to one announced set at most: every one of them is a multiple of the plain sum of the keys of one
 * set that somebody was told.
 */
export const isOneSet = (mixes: readonly KeyMix[], told: readonly Told[], dealers: readonly number[]): boolean => {
  const telling = mixes.filter(({ keys }) => keys.some((key) => key !== 0n))
  const [first] = telling
  if (first === undefined) return true
  const sets = telling.map(({ keys }) => dealers.filter((_, v) => keys[v] !== 0n))
  const isPlain = telling.every(({ keys }) => new Set(keys.filter((key) => key !== 0n)).size === 1)
  const [set = []] = sets
  return (
    isPlain &&
    sets.every((each) => each.join() === set.join()) &&
    told.some((each) => dealers.filter((dealer) => each.dealers.includes(dealer)).join() === set.join())
  )
}
