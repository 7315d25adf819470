/** Singular value decomposition of a small matrix: sum over r of `values[r]` x left[r] right[r]', values falling. */
export interface SingularValues {
  readonly values: Float64Array
  /** Unit columns of length rows, `values.length` of them; zero where the value is. */
  readonly left: readonly Float64Array[]
  readonly right: readonly Float64Array[]
}

const mostSweeps = 30
const rotationLimit = 1e-12

/**
 * One-sided Jacobi (Hestenes 1958; Demmel and Veselic 1992): columns of the taller side are rotated in pairs until all are
 * orthogonal. `matrix`: rows x columns, row-major, finite. Float64; relative precision near 1e-12. Cost: about 10 sweeps of
 * long x short^2 multiplications.
 */
export const singularValues = (matrix: Float64Array, rows: number, columns: number): SingularValues => {
  const isWide = columns > rows
  const count = Math.min(rows, columns)
  const length = Math.max(rows, columns)
  const long = Array.from({ length: count }, (_, c) =>
    Float64Array.from({ length }, (_, r) => (isWide ? matrix[c * columns + r]! : matrix[r * columns + c]!)),
  )
  const short = Array.from({ length: count }, (_, c) => new Float64Array(count).fill(1, c, c + 1))
  for (let sweep = 0, rotated = true; rotated && sweep < mostSweeps; sweep++) {
    rotated = false
    for (let p = 0; p < count; p++)
      for (let q = p + 1; q < count; q++) {
        const alpha = dot(long[p]!, long[p]!)
        const beta = dot(long[q]!, long[q]!)
        const gamma = dot(long[p]!, long[q]!)
        if (Math.abs(gamma) <= rotationLimit * Math.sqrt(alpha * beta)) continue
        rotated = true
        const zeta = (beta - alpha) / (2 * gamma)
        const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta))
        const cosine = 1 / Math.sqrt(1 + tangent * tangent)
        rotate(long[p]!, long[q]!, cosine, cosine * tangent)
        rotate(short[p]!, short[q]!, cosine, cosine * tangent)
      }
  }
  const lengths = long.map((column) => Math.sqrt(dot(column, column)))
  const order = lengths.map((_, c) => c).sort((a, b) => lengths[b]! - lengths[a]!)
  const unit = order.map((c) => long[c]!.map((value) => (lengths[c]! > 0 ? value / lengths[c]! : 0)))
  const other = order.map((c) => short[c]!)
  return {
    values: Float64Array.from(order, (c) => lengths[c]!),
    left: isWide ? other : unit,
    right: isWide ? unit : other,
  }
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const rotate = (a: Float64Array, b: Float64Array, cosine: number, sine: number): void => {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!
    const y = b[i]!
    a[i] = cosine * x - sine * y
    b[i] = sine * x + cosine * y
  }
}
