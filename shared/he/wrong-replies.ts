import { inverse, type Modulus } from './residues.ts'

/** Products of (to - x_m) / (x_j - x_m): the weights that carry values at `points` to the point `to`, modulo q. */
export const lagrangeWeights = (modulus: Modulus, points: readonly number[], to: number): bigint[] => {
  const q = modulus.value
  return points.map((point) => {
    let above = 1n
    let below = 1n
    for (const other of points) {
      if (other === point) continue
      above = (above * BigInt(to - other)) % q
      below = (below * BigInt(point - other)) % q
    }
    return (((above * inverse(modulus, below)) % q) + q) % q
  })
}

/** One solution of rows x = last column modulo q, or undefined; free unknowns are 0. Rows are overwritten. */
const solve = (modulus: Modulus, rows: bigint[][], unknowns: number): bigint[] | undefined => {
  const q = modulus.value
  const pivots: number[] = []
  for (let column = 0; column < unknowns && pivots.length < rows.length; column++) {
    const at = pivots.length
    const found = rows.findIndex((row, index) => index >= at && row[column] !== 0n)
    if (found < 0) continue
    const pivot = rows[found]!
    rows[found] = rows[at]!
    const scale = inverse(modulus, pivot[column]!)
    const unit = pivot.map((entry) => (entry * scale) % q)
    rows[at] = unit
    for (const [index, row] of rows.entries()) {
      const factor = row[column]!
      if (index === at || factor === 0n) continue
      rows[index] = row.map((entry, i) => (((entry - factor * unit[i]!) % q) + q) % q)
    }
    pivots.push(column)
  }
  if (rows.slice(pivots.length).some((row) => row[unknowns] !== 0n)) return undefined
  const solution = new Array<bigint>(unknowns).fill(0n)
  pivots.forEach((column, index) => {
    solution[column] = rows[index]![unknowns]!
  })
  return solution
}

const evaluate = (modulus: Modulus, coefficients: readonly bigint[], point: number): bigint =>
  coefficients.reduceRight((sum, coefficient) => (sum * BigInt(point) + coefficient) % modulus.value, 0n)

/**
 * Which of `values`, claimed to be one polynomial of degree below `threshold` at `points`, are wrong: their positions, or
 * undefined when that cannot be told. With m values, up to floor((m - threshold) / 2) wrong ones are found with certainty
 * (Welch and Berlekamp 1986: Q(x) = y E(x), E monic with the wrong points among its roots). Cost O(m^3) scalar products.
 */
export const wrongReplies = (
  modulus: Modulus,
  points: readonly number[],
  values: readonly bigint[],
  threshold: number,
): number[] | undefined => {
  const q = modulus.value
  const wrong = Math.floor((points.length - threshold) / 2)
  if (wrong < 1) return undefined
  // Unknowns: the wrong lower coefficients of E, then the threshold + wrong coefficients of Q.
  const rows = points.map((point, index) => {
    const value = values[index]!
    const powers = [1n]
    while (powers.length <= threshold + wrong) powers.push((powers.at(-1)! * BigInt(point)) % q) // safe because powers is never empty
    const ofE = powers.slice(0, wrong).map((power) => (value * power) % q)
    const ofQ = powers.slice(0, threshold + wrong).map((power) => (q - power) % q)
    return [...ofE, ...ofQ, (q - ((value * powers[wrong]!) % q)) % q]
  })
  const solution = solve(modulus, rows, threshold + 2 * wrong)
  if (solution === undefined) return undefined
  const locator = [...solution.slice(0, wrong), 1n]
  // A root of E may be a good point; those that are no root all lie on the polynomial, so any of them tell.
  const good = points.flatMap((point, index) => (evaluate(modulus, locator, point) === 0n ? [] : [index]))
  const base = good.slice(0, threshold)
  if (base.length < threshold) return undefined
  const found = points.flatMap((point, index) => {
    const weights = lagrangeWeights(
      modulus,
      base.map((position) => points[position]!),
      point,
    )
    const expected = weights.reduce((sum, weight, i) => (sum + weight * values[base[i]!]!) % q, 0n)
    return expected === values[index] ? [] : [index]
  })
  return found.length <= wrong ? found : undefined
}
