const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/**
 * x with A x = b, |b - A x| at most `accuracy` |b|, for a symmetric positive definite A that is only multiplied by; its diagonal
 * preconditions (Hestenes and Stiefel 1952). At most 2 n + 20 products.
 */
export const conjugateGradient = (
  times: (v: Float64Array) => Float64Array,
  b: Float64Array,
  diagonal: Float64Array,
  accuracy: number,
): Float64Array => {
  const x = new Float64Array(b.length)
  const residual = Float64Array.from(b)
  const scaled = residual.map((value, i) => value / diagonal[i]!)
  const direction = Float64Array.from(scaled)
  let strength = dot(residual, scaled)
  const enough = accuracy * Math.sqrt(dot(b, b))
  for (let i = 0; i < 2 * b.length + 20 && Math.sqrt(dot(residual, residual)) > enough; i++) {
    const product = times(direction)
    const curvature = dot(direction, product)
    if (!(curvature > 0)) break
    const length = strength / curvature
    for (let k = 0; k < x.length; k++) {
      x[k] = x[k]! + length * direction[k]!
      residual[k] = residual[k]! - length * product[k]!
      scaled[k] = residual[k]! / diagonal[k]!
    }
    const next = dot(residual, scaled)
    const share = next / strength
    strength = next
    for (let k = 0; k < x.length; k++) direction[k] = scaled[k]! + share * direction[k]!
  }
  return x
}
