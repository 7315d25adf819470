/**
 * One truncated discrete Gaussian as an alias table (Walker 1977; Vose 1991): a column drawn uniformly, then a coin of 80 bits
 * between the column's own value and its alias. Integers only; every draw costs one column, one comparison, one addition.
 */
export interface AliasTable {
  /** The values are -radius .. radius. */
  readonly radius: number
  /** log2 of the number of columns, at most 16. */
  readonly columnBits: number
  /** Upper 48 and lower 32 bits of the chance, in 2^-80, that a column keeps its own value. */
  readonly keepHigh: Float64Array
  readonly keepLow: Uint32Array
  readonly own: Int32Array
  readonly alias: Int32Array
  /** Statistical distance to the discrete Gaussian on all integers: truncation and rounding of the probabilities. */
  readonly distance: number
}

/** Words of 32 random bits that one draw uses. */
export const wordsPerDraw = 3

const COIN_BITS = 80n
/** Fixed point of the weights. */
const POINT = 192n
const ONE = 1n << POINT
/** Mass cut off in both tails together. */
const TAIL = 68n

/** e^(-numerator / denominator) in fixed point, for an argument of at most 1. */
const expMinus = (numerator: bigint, denominator: bigint): bigint => {
  let term = ONE
  let sum = ONE
  for (let k = 1n; term !== 0n; k++) {
    term = (-term * numerator) / (denominator * k)
    sum += term
  }
  return sum
}

/** Weights e^(-k^2 / 2 v) for k = 0, 1, ... until they vanish against the tail bound; v = numerator / denominator. */
const weightsOf = (numerator: bigint, denominator: bigint): { weights: bigint[]; total: bigint; cut: bigint } => {
  const ratio = expMinus(denominator, 2n * numerator)
  const square = (ratio * ratio) >> POINT
  const weights: bigint[] = []
  let factor = ratio
  for (let weight = ONE; weight > 1n << (POINT - 96n); ) {
    weights.push(weight)
    weight = (weight * factor) >> POINT
    factor = (factor * square) >> POINT
  }
  const total = weights.reduce((sum, weight) => sum + 2n * weight, -ONE)
  // What was never listed: a geometric series with a ratio below 1/2 would do; the list ends below 2^-96 of the peak.
  let cut = 2n * (weights.at(-1) as bigint) * BigInt(weights.length)
  while (weights.length > 1 && (cut + 2n * (weights.at(-1) as bigint)) << TAIL <= total)
    cut += 2n * (weights.pop() as bigint)
  return { weights, total, cut }
}

/**
 * The table of variance numerator / denominator (at least 1). Costs a few big-integer operations an entry, about 19 entries a
 * standard deviation.
 */
export const aliasTable = (numerator: bigint, denominator: bigint): AliasTable => {
  const { weights, cut, total } = weightsOf(numerator, denominator)
  const radius = weights.length - 1
  const size = 2 * radius + 1
  const columnBits = Math.max(1, Math.ceil(Math.log2(size)))
  const columns = 1 << columnBits
  const capacity = 1n << COIN_BITS
  const whole = BigInt(columns) << COIN_BITS
  const kept = weights.reduce((sum, weight) => sum + 2n * weight, -ONE)
  // Rounded down; the centre takes the rest, less than one unit an entry.
  const share = Array.from({ length: columns }, (_, i) =>
    i < size ? ((weights[Math.abs(i - radius)] as bigint) * whole) / kept : 0n,
  )
  const rest = whole - share.reduce((sum, one) => sum + one, 0n)
  share[radius] = (share[radius] as bigint) + rest

  const alias = new Int32Array(columns)
  const own = new Int32Array(columns)
  const keepHigh = new Float64Array(columns)
  const keepLow = new Uint32Array(columns)
  const poor: number[] = []
  const rich: number[] = []
  for (let i = 0; i < columns; i++) {
    own[i] = i - radius
    alias[i] = i - radius
    if ((share[i] as bigint) < capacity) poor.push(i)
    else rich.push(i)
  }
  while (poor.length > 0) {
    const low = poor.pop() as number
    const high = rich.pop() as number
    const keep = share[low] as bigint
    keepHigh[low] = Number(keep >> 32n)
    keepLow[low] = Number(keep & 0xffffffffn)
    alias[low] = high - radius
    share[high] = (share[high] as bigint) - (capacity - keep)
    if ((share[high] as bigint) < capacity) poor.push(high)
    else rich.push(high)
  }
  const distance = Number((cut << 128n) / total) / 2 ** 128 + Number((rest << 128n) / whole) / 2 ** 128
  return { radius, columnBits, keepHigh, keepLow, own, alias, distance }
}

/**
 * out[i] += scale * value for n fresh draws, from `words` of 3 n uniform 32-bit words. The same instructions run whatever is
 * drawn; which table entries are read does depend on it.
 */
export const addDraws = (
  table: AliasTable,
  words: Uint32Array,
  scale: number,
  out: Float64Array,
  first: number,
  n: number,
): void => {
  const { keepHigh, keepLow, own, alias } = table
  const shift = 32 - table.columnBits
  for (let i = 0, w = 0; i < n; i++, w += wordsPerDraw) {
    const word = words[w] as number
    const column = word >>> shift
    const high = (words[w + 1] as number) * 65536 + (word & 0xffff)
    const bound = keepHigh[column] as number
    const below = Number((words[w + 2] as number) < (keepLow[column] as number))
    const keep = Number(high < bound) | (Number(high === bound) & below)
    const other = alias[column] as number
    const value = other + keep * ((own[column] as number) - other)
    out[first + i] = (out[first + i] as number) + scale * value
  }
}
