/** A column with its unsupported levels together: MST's compressed domain. */
export interface KeptLevels {
  /** Compressed code of each level. */
  readonly codeOf: Uint16Array
  readonly size: number
  /** Levels of the last compressed code, where there is such a one; else empty. */
  readonly merged: readonly number[]
}

/** Levels whose noisy count is below 3 sigma share one code, the last. */
export const keptLevels = (counts: Float64Array, sigma: number): KeptLevels => {
  const merged = [...counts.keys()].filter((level) => counts[level]! < 3 * sigma)
  const kept = counts.length - merged.length
  const codeOf = new Uint16Array(counts.length)
  let next = 0
  counts.forEach((count, level) => {
    codeOf[level] = count < 3 * sigma ? kept : next++
  })
  return { codeOf, size: kept + (merged.length > 0 ? 1 : 0), merged }
}

/** The noisy counts of the compressed codes: that of the merged ones is the sum of theirs, and as much noisier. */
export const compressedCounts = (kept: KeptLevels, counts: Float64Array, sigma: number) => {
  const sums = new Float64Array(kept.size)
  const precision = new Float64Array(kept.size).fill(1 / sigma ** 2)
  counts.forEach((count, level) => {
    sums[kept.codeOf[level]!] = sums[kept.codeOf[level]!]! + count
  })
  if (kept.merged.length > 0) precision[kept.size - 1] = 1 / (kept.merged.length * sigma ** 2)
  return { counts: sums, precision }
}

/** Nearest shares to noisy counts: Euclidean projection to the simplex of `total` (Duchi et al. 2008), over the total. */
export const projectedShares = (counts: Float64Array, total: number): Float64Array => {
  const sorted = Float64Array.from(counts).sort().reverse()
  let [sum, shift] = [0, 0]
  sorted.forEach((count, i) => {
    sum += count
    const candidate = (sum - total) / (i + 1)
    if (count > candidate) shift = candidate
  })
  return counts.map((count) => Math.max(count - shift, 0) / total)
}
