import { CodedError } from '../errors.ts'
import type { RandomSource } from '../ports.ts'
import { type AliasTable, addDraws, aliasTable, wordsPerDraw } from './alias-table.ts'

/**
 * A sampler of the discrete Gaussian on the integers, P(Z = z) proportional to e^(-z^2 / 2 s^2) with s = `shareSteps`, by
 * convolution: Z = X_0 + L X_1 + .. + L^n X_n with X_i from small tables, L a power of two, X_0 .. X_(n-1) of deviation 2 L and
 * X_n of the deviation that makes s^2 exact.
 *
 * Why (Micciancio and Walter 2017, section 4; Peikert 2010, theorem 3.1): let A, B be discrete Gaussians of deviations a, b. In
 * the law of A + L B at y, completing the square leaves e^(-y^2 / 2 (a^2 + L^2 b^2)) times the sum over integers x of
 * e^(-(x - c_y)^2 / 2 r^2), 1 / r^2 = L^2 / a^2 + 1 / b^2. By Poisson summation that sum is within a factor 1 +- e of a constant,
 * e = 2 sum_j e^(-2 pi^2 j^2 r^2) (the smoothing lemma), so A + L B is within e / (1 - e) of the discrete Gaussian of
 * variance a^2 + L^2 b^2. Here a = 2 L and b > 7, so r > 1.9 and e < 2^-100. Distances of the parts add (data processing), and
 * each part is within 2^-67.9 of its ideal (tails cut at 2^-68, probabilities rounded at 2^-80).
 */
export interface NoiseTable {
  /** Standard deviation in grid steps, exact for the ideal law. */
  readonly shareSteps: number
  /** |Z| <= noiseBound always, in grid steps; below 2^44. */
  readonly noiseBound: number
  /** log2 of the statistical distance of one draw to the discrete Gaussian on all integers; at most -64. */
  readonly log2Distance: number
  readonly levels: readonly NoiseLevel[]
}

export interface NoiseLevel {
  /** L^i. */
  readonly scale: number
  readonly table: AliasTable
}

const LEAST = 64
const MOST = 2 ** 40
/** Supported widths an octave: 4, 5, 6, 7 times a power of two. */
const PER_OCTAVE = 4

/**
 * The smallest supported deviation of at least `least`: 4, 5, 6 or 7 times a power of two, from 64 to 2^40. Throws
 * `NOISE_REFUSED` beyond 2^40 or for no number.
 */
export const shareStepsFor = (least: number): number => {
  if (!(least <= MOST)) throw new CodedError('NOISE_REFUSED', `a noise share of ${least} grid steps is above 2^40`)
  if (least <= LEAST) return LEAST
  const octave = 2 ** Math.floor(Math.log2(least))
  const start = octave > least ? octave / 2 : octave
  const step = start / PER_OCTAVE
  return start + Math.ceil((least - start) / step) * step
}

const built = new Map<number, NoiseTable>()

/** The table of a supported deviation, built once a process (milliseconds). Throws `NOISE_REFUSED` for any other. */
export const noiseTable = (shareSteps: number): NoiseTable => {
  const known = built.get(shareSteps)
  if (known) return known
  if (!(shareSteps >= LEAST) || shareStepsFor(shareSteps) !== shareSteps)
    throw new CodedError(
      'NOISE_REFUSED',
      `no noise table of ${shareSteps} grid steps; the nearest above has ${shareStepsFor(shareSteps)}`,
    )
  const table = build(shareSteps)
  built.set(shareSteps, table)
  return table
}

const build = (shareSteps: number): NoiseTable => {
  const octave = Math.floor(Math.log2(shareSteps))
  // As few levels as keep every table below some 10,000 entries, then the widths balanced.
  const lower = octave < 17 ? 1 : Math.ceil((octave - 9) / 8)
  const logScale = Math.floor(octave / (lower + 1))
  const scale = 2 ** logScale
  const base = BigInt(2 * scale) ** 2n
  const square = BigInt(scale) ** 2n
  let numerator = BigInt(shareSteps) ** 2n
  for (let i = 0; i < lower; i++) numerator -= base * square ** BigInt(i)
  const denominator = square ** BigInt(lower)

  const repeated = aliasTable(base, 1n)
  const top = aliasTable(numerator, denominator)
  const levels: NoiseLevel[] = Array.from({ length: lower }, (_, i) => ({ scale: scale ** i, table: repeated }))
  levels.push({ scale: scale ** lower, table: top })

  let distance = levels.reduce((sum, { table }) => sum + table.distance, 0)
  let variance = Number(numerator) / Number(denominator)
  for (let i = 0; i < lower; i++) {
    const smooth = 1 / (1 / 4 + 1 / variance)
    distance += 2 * smoothing(smooth)
    variance = 4 * scale ** 2 + scale ** 2 * variance
  }
  const noiseBound = levels.reduce((sum, level) => sum + level.scale * level.table.radius, 0)
  const table = { shareSteps, noiseBound, log2Distance: Math.log2(distance), levels }
  if (!(table.log2Distance <= -64) || noiseBound >= 2 ** 44)
    throw new CodedError(
      'INTERNAL',
      `the noise table of ${shareSteps} grid steps is 2^${table.log2Distance} from its law`,
    )
  return table
}

/** Bound of 2 sum_j e^(-2 pi^2 j^2 v): the relative ripple of a Gaussian of variance v >= 1 summed over the integers. */
const smoothing = (variance: number): number => 2.001 * Math.exp(-2 * Math.PI ** 2 * variance)

const BATCH = 1024

/**
 * Fills `out` with independent draws, exact integers. Constant work: for every draw and level the same three words are read, one
 * column looked up, one coin of 80 bits compared in arithmetic without a branch, one product added; no rejection, no early end. Loops,
 * random bytes (12 a level) and memory written depend on the length alone, never on the values. What does depend on them is which
 * table entry is read (some 10,000 entries, in cache); the time of a contribution's work is not sent either (R10: it leaves at a
 * scheduled moment).
 */
export const drawNoise = (table: NoiseTable, random: RandomSource, out: Float64Array): void => {
  const words = new Uint32Array(BATCH * wordsPerDraw)
  out.fill(0)
  for (let first = 0; first < out.length; first += BATCH) {
    const n = Math.min(BATCH, out.length - first)
    const used = words.subarray(0, n * wordsPerDraw)
    for (const level of table.levels) {
      random.fill(new Uint8Array(words.buffer, 0, used.byteLength))
      addDraws(level.table, used, level.scale, out, first, n)
    }
  }
  words.fill(0)
}
