/**
 * Noisy counts of ordered cells as shares of one, by halves from the top: the whole is `total`, a half's part of its parent is its
 * noisy sum, corrected so that both add up and cut at zero. What is left of noise in a long empty tail is decided by the sum of that
 * tail, whose noise grows with the root of its length only; norm-sub would keep every positive cell of it, and a tail's cells are
 * what means and upper quantiles are made of. The idea is consistency from the top (Hay et al. 2010; the 2020 census, Abowd et al.
 * 2022), here without noise of its own for the sums. Post-processing. `total` > 0. Cost: cells times log cells.
 */
export const topDownShares = (noisy: Float64Array, total: number): Float64Array => {
  const below = new Float64Array(noisy.length + 1)
  noisy.forEach((count, i) => {
    below[i + 1] = below[i]! + count / total
  })
  const shares = new Float64Array(noisy.length)
  const split = (from: number, to: number, share: number) => {
    if (to - from === 1) shares[from] = share
    if (to - from < 2 || share === 0) return
    const middle = (from + to) >> 1
    const [first, second] = [below[middle]! - below[from]!, below[to]! - below[middle]!]
    const part = ((middle - from) / (to - from)) * (share - first - second)
    const left = Math.min(share, Math.max(0, first + part))
    split(from, middle, left)
    split(middle, to, share - left)
  }
  split(0, noisy.length, 1)
  return shares
}
