import { logGamma, normalTail } from '@tributary/shared/dp/special'

/** P(chi-square with `degrees` degrees of freedom > x): the regularised upper incomplete gamma function. */
export const chiSquareTail = (x: number, degrees: number): number => {
  const a = degrees / 2
  const z = x / 2
  if (z <= 0) return 1
  const front = Math.exp(a * Math.log(z) - z - logGamma(a))
  if (z < a + 1) {
    let term = 1 / a
    let sum = term
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= z / (a + n)
      sum += term
    }
    return 1 - front * sum
  }
  // Continued fraction of Legendre, by Lentz's method.
  let b = z + 1 - a
  let c = 1e300
  let d = 1 / b
  let fraction = d
  for (let n = 1; n < 10_000; n++) {
    const numerator = -n * (n - a)
    b += 2
    d = 1 / (numerator * d + b)
    c = b + numerator / c
    fraction *= c * d
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return front * fraction
}

/** Chance, under the expected counts, of a fit at least this bad (Pearson's chi-square). */
export const fitOf = (observed: ArrayLike<number>, expected: ArrayLike<number>): number => {
  let statistic = 0
  for (let i = 0; i < expected.length; i++)
    statistic += ((observed[i] as number) - (expected[i] as number)) ** 2 / (expected[i] as number)
  return chiSquareTail(statistic, expected.length - 1)
}

/** Chance, if two samples have one law, of counts that differ at least this much. Empty cells are left out. */
export const agreementOf = (one: ArrayLike<number>, other: ArrayLike<number>): number => {
  const total = (counts: ArrayLike<number>) => Array.from(counts).reduce((sum, n) => sum + n, 0)
  const [n, m] = [total(one), total(other)]
  let statistic = 0
  let cells = 0
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i] as number, other[i] as number]
    if (a + b === 0) continue
    statistic += (a * Math.sqrt(m / n) - b * Math.sqrt(n / m)) ** 2 / (a + b)
    cells++
  }
  return chiSquareTail(statistic, cells - 1)
}

/** Edges of `cells` half-open intervals between -3 and 3 deviations, at half-integers; the first and last reach to infinity. */
export const cellEdges = (deviation: number, cells: number): Float64Array => {
  const edges = new Float64Array(cells - 1)
  for (let i = 0; i < edges.length; i++) edges[i] = Math.floor(deviation * (-3 + (6 * i) / (edges.length - 1))) + 0.5
  return edges
}

/** How many values fall in each cell. */
export const countsOf = (values: Float64Array, edges: Float64Array): Float64Array => {
  const counts = new Float64Array(edges.length + 1)
  for (const value of values) {
    let low = 0
    let high = edges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (value > (edges[middle] as number)) low = middle + 1
      else high = middle
    }
    counts[low] = (counts[low] as number) + 1
  }
  return counts
}

/** Expected counts of n draws of the discrete Gaussian; exact sums up to deviation 4096, the continuous integral above. */
export const expectedCounts = (deviation: number, edges: Float64Array, n: number): Float64Array => {
  const counts = new Float64Array(edges.length + 1)
  if (deviation > 4096) {
    let above = 1
    for (let i = 0; i <= edges.length; i++) {
      const next = i < edges.length ? normalTail((edges[i] as number) / deviation) : 0
      counts[i] = n * (above - next)
      above = next
    }
    return counts
  }
  const reach = Math.ceil(12 * deviation)
  let total = 0
  let cell = 0
  for (let z = -reach; z <= reach; z++) {
    while (cell < edges.length && z > (edges[cell] as number)) cell++
    const weight = Math.exp(-0.5 * (z / deviation) ** 2)
    counts[cell] = (counts[cell] as number) + weight
    total += weight
  }
  return counts.map((weight) => (n * weight) / total)
}
