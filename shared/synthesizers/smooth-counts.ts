/**
 * Noisy counts of the levels of an ordered column, smoothed: James-Stein by dyadic block of frequencies. The counts' orthonormal
 * cosine transform (DCT-II) keeps its mean; each block of frequencies 1 | 2, 3 | 4 .. 7 | ... is multiplied by
 * max(0, 1 - m s^2 / sum of its squares), m its length, s = `noise` the standard deviation of a count (Efromovich and Pinsker 1984;
 * Cai 1999, block thresholding). Spiky columns keep their energy, smooth ones lose noise; the sum stays. Post-processing. Fewer than
 * three counts come back as they are. Cost: levels squared.
 */
export const smoothCounts = (counts: Float64Array, noise: number): Float64Array => {
  const levels = counts.length
  if (levels < 3) return counts.slice()
  const quarter = Float64Array.from({ length: 4 * levels }, (_, i) => Math.cos((Math.PI * i) / (2 * levels)))
  const turn = 4 * levels
  const frequencies = new Float64Array(levels)
  for (let k = 0; k < levels; k++) {
    let sum = 0
    for (let i = 0, at = k; i < levels; i++, at = (at + 2 * k) % turn) sum += counts[i]! * quarter[at]!
    frequencies[k] = sum
  }
  // Unnormalised: a frequency above 0 has squared length levels / 2.
  for (let first = 1; first < levels; first *= 2) {
    const block = frequencies.subarray(first, Math.min(2 * first, levels))
    const energy = block.reduce((sum, value) => sum + value * value, 0) * (2 / levels)
    const kept = energy > 0 ? Math.max(0, 1 - (block.length * noise * noise) / energy) : 0
    for (let k = 0; k < block.length; k++) block[k] = block[k]! * kept
  }
  const smooth = new Float64Array(levels).fill(frequencies[0]! / levels)
  for (let k = 1; k < levels; k++) {
    const amplitude = (frequencies[k]! * 2) / levels
    if (amplitude === 0) continue
    for (let i = 0, at = k; i < levels; i++, at = (at + 2 * k) % turn) smooth[i] = smooth[i]! + amplitude * quarter[at]!
  }
  return smooth
}
