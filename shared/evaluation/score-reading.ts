/** One score bin as it can be read: counts never below zero, each with the deviation of its noise where that matters. */
export interface ReadBin {
  readonly positives: number
  readonly negatives: number
  /** Share of positives among the bin's patients; null where the bin holds too few beside the noise. */
  readonly positiveShare: number | null
  /** Standard error of that share from the noise. */
  readonly shareError: number | null
}

/** What a noisy histogram of scores says. All errors are standard deviations. */
export interface ScoreReading {
  readonly bins: readonly ReadBin[]
  readonly positives: number
  readonly negatives: number
  /** Of `positives` and `negatives` each, from the noise. */
  readonly countError: number
  /** Null where one label holds too few patients beside the noise. */
  readonly auc: {
    readonly value: number
    /** From the noise. */
    readonly noiseError: number
    /** From which patients came to be held out (Hanley and McNeil 1982), estimated. */
    readonly samplingError: number
  } | null
  /** Ends of the ROC's segments, from (0, 0) to (1, 1): bins counted from the highest score; empty where auc is null. */
  readonly roc: readonly { readonly falsePositive: number; readonly truePositive: number }[]
}

/** A ratio is read off where what it divides by is so many deviations of its noise, or more. */
const readable = 4

/**
 * ROC, AUC and calibration off a histogram of scores (negatives' bins, then positives', ascending) with independent noise of
 * deviation `noise` in each cell (0: none). Post-processing.
 *
 * AUC = sum over bins of P_b (N_below b + N_b / 2) / (P N). Its two sums are read off the histogram as it is, negative cells
 * included: they are unbiased, where cells cut at zero would draw the AUC to 1/2. Its error is the first-order one:
 * dAUC/dP_b = (share of negatives below b, half of those in it - AUC) / P, and the mirror image for N_b. Counts, calibration and ROC
 * are shown of cells cut at zero.
 */
export const readScores = (histogram: Float64Array, noise: number): ScoreReading => {
  const size = histogram.length / 2
  const raw = { negatives: histogram.subarray(0, size), positives: histogram.subarray(size) }
  const positives = total(raw.positives)
  const negatives = total(raw.negatives)
  const countError = noise * Math.sqrt(size)
  const isReadable = Math.min(positives, negatives) > readable * countError
  return {
    bins: Array.from({ length: size }, (_, b) => readBin(raw.positives[b]!, raw.negatives[b]!, noise)),
    positives: Math.max(0, positives),
    negatives: Math.max(0, negatives),
    countError,
    auc: isReadable ? aucOf(raw.positives, raw.negatives, noise) : null,
    roc: isReadable ? rocOf(raw.positives.map(atLeastZero), raw.negatives.map(atLeastZero)) : [],
  }
}

const atLeastZero = (value: number) => Math.max(0, value)

const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0)

/** d(share)/dP = N / (P + N)^2 and d(share)/dN = -P / (P + N)^2. */
const readBin = (rawPositives: number, rawNegatives: number, noise: number): ReadBin => {
  const [positives, negatives] = [atLeastZero(rawPositives), atLeastZero(rawNegatives)]
  const all = positives + negatives
  if (all === 0 || all < readable * noise * Math.SQRT2)
    return { positives, negatives, positiveShare: null, shareError: null }
  const shareError = (noise * Math.hypot(positives, negatives)) / all ** 2
  return { positives, negatives, positiveShare: positives / all, shareError }
}

const aucOf = (positives: Float64Array, negatives: Float64Array, noise: number) => {
  const [p, n] = [total(positives), total(negatives)]
  const below = Float64Array.from(ranks(negatives), (rank) => rank / n)
  const above = Float64Array.from(ranks(positives), (rank) => 1 - rank / p)
  const value = positives.reduce((sum, count, b) => sum + count * below[b]!, 0) / p
  let squares = 0
  for (let b = 0; b < below.length; b++) squares += ((below[b]! - value) / p) ** 2 + ((above[b]! - value) / n) ** 2
  const inside = Math.min(1, Math.max(0, value))
  return { value: inside, noiseError: noise * Math.sqrt(squares), samplingError: hanleyMcNeil(inside, p, n) }
}

/** For each bin what lies below it, and half of what lies in it. */
const ranks = (counts: Float64Array): Float64Array => {
  let below = 0
  return counts.map((count) => {
    const rank = below + count / 2
    below += count
    return rank
  })
}

const hanleyMcNeil = (auc: number, positives: number, negatives: number): number => {
  const twoPositives = auc / (2 - auc)
  const twoNegatives = (2 * auc * auc) / (1 + auc)
  const variance =
    auc * (1 - auc) + (positives - 1) * (twoPositives - auc * auc) + (negatives - 1) * (twoNegatives - auc * auc)
  return Math.sqrt(Math.max(0, variance) / (positives * negatives))
}

const rocOf = (positives: Float64Array, negatives: Float64Array): ScoreReading['roc'] => {
  const [p, n] = [total(positives), total(negatives)]
  const points = [{ falsePositive: 0, truePositive: 0 }]
  let [caught, alarmed] = [0, 0]
  for (let b = positives.length - 1; b >= 0; b--) {
    caught += positives[b]!
    alarmed += negatives[b]!
    // Added up in another order than p and n: the last may come out a rounding above 1.
    points.push({ falsePositive: Math.min(1, alarmed / n), truePositive: Math.min(1, caught / p) })
  }
  return points
}
