/**
 * Noisy cells as shares of one: the nearest point (L2) of the probability simplex after scaling by `total`, found by taking
 * the same amount off every cell and cutting at zero (norm-sub; Wang et al. 2020, "Locally differentially private frequency
 * estimation with consistency"). `total` > 0 is what the cells should add up to. Cost: cells log cells.
 */
export const normSub = (noisy: Float64Array, total: number): Float64Array => {
  const falling = noisy
    .map((value) => value / total)
    .sort()
    .reverse()
  let above = 0
  let excess = 0
  for (let i = 0; i < falling.length; i++) {
    above += falling[i]!
    const candidate = (above - 1) / (i + 1)
    if (falling[i]! > candidate) excess = candidate
  }
  const shares = noisy.map((value) => Math.max(value / total - excess, 0))
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => share / sum)
}
