import { counterRandom } from '../counter-random.ts'

const sweeps = 20
const rotationLimit = 1e-12

/**
 * The `count` eigenvalues of largest size of a symmetric matrix (width x width, row-major) and their unit vectors (count x width,
 * row-major): subspace iteration from `start` (like the result; null: noise, always the same) with `steps` products, then Rayleigh
 * and Ritz. Good where the wanted ones stand out of the rest. Cost: (steps + 1) x width^2 x count.
 */
export const eigenOf = (
  matrix: Float64Array,
  width: number,
  count: number,
  start: Float64Array | null,
  steps: number,
): { values: Float64Array; vectors: Float64Array } => {
  const random = counterRandom(1, 5)
  let basis = start ?? Float64Array.from({ length: count * width }, (_, i) => random.normal(i, 0))
  orthonormalise(basis, width, count)
  for (let step = 0; step < steps; step++) {
    basis = timesMatrix(matrix, basis, width, count)
    orthonormalise(basis, width, count)
  }
  const image = timesMatrix(matrix, basis, width, count)
  const small = new Float64Array(count * count)
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) small[i * count + j] = dot(basis, i * width, image, j * width, width)
  const { values, vectors } = jacobi(small, count)
  const result = new Float64Array(count * width)
  for (let k = 0; k < count; k++)
    for (let i = 0; i < count; i++) {
      const share = vectors[i * count + k]!
      for (let a = 0; a < width; a++) result[k * width + a] = result[k * width + a]! + share * basis[i * width + a]!
    }
  return { values, vectors: result }
}

const dot = (one: Float64Array, from: number, other: Float64Array, at: number, length: number): number => {
  let sum = 0
  for (let i = 0; i < length; i++) sum += one[from + i]! * other[at + i]!
  return sum
}

const timesMatrix = (matrix: Float64Array, basis: Float64Array, width: number, count: number): Float64Array => {
  const out = new Float64Array(count * width)
  for (let k = 0; k < count; k++)
    for (let a = 0; a < width; a++) out[k * width + a] = dot(matrix, a * width, basis, k * width, width)
  return out
}

/** Gram and Schmidt, twice over each vector; one that vanishes stays 0. */
const orthonormalise = (basis: Float64Array, width: number, count: number): void => {
  for (let k = 0; k < count; k++) {
    const before = Math.sqrt(dot(basis, k * width, basis, k * width, width))
    for (let twice = 0; twice < 2; twice++)
      for (let i = 0; i < k; i++) {
        const share = dot(basis, i * width, basis, k * width, width)
        for (let a = 0; a < width; a++) basis[k * width + a] = basis[k * width + a]! - share * basis[i * width + a]!
      }
    const length = Math.sqrt(dot(basis, k * width, basis, k * width, width))
    for (let a = 0; a < width; a++) basis[k * width + a] = length > 1e-10 * before ? basis[k * width + a]! / length : 0
  }
}

/** Cyclic Jacobi (1846) of a small symmetric matrix: eigenvalues, and vectors as columns. */
const jacobi = (given: Float64Array, count: number): { values: Float64Array; vectors: Float64Array } => {
  const matrix = given.slice()
  const vectors = new Float64Array(count * count)
  for (let i = 0; i < count; i++) vectors[i * count + i] = 1
  for (let sweep = 0, rotated = true; rotated && sweep < sweeps; sweep++) {
    rotated = false
    for (let p = 0; p < count; p++)
      for (let q = p + 1; q < count; q++) {
        const off = matrix[p * count + q]!
        const [a, b] = [matrix[p * count + p]!, matrix[q * count + q]!]
        if (Math.abs(off) <= rotationLimit * Math.sqrt(Math.abs(a * b)) || off === 0) continue
        rotated = true
        const theta = (b - a) / (2 * off)
        const tangent = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(1 + theta * theta))
        const cosine = 1 / Math.sqrt(1 + tangent * tangent)
        const sine = cosine * tangent
        for (let i = 0; i < count; i++) rotate(matrix, i * count + p, i * count + q, cosine, sine)
        for (let i = 0; i < count; i++) rotate(matrix, p * count + i, q * count + i, cosine, sine)
        for (let i = 0; i < count; i++) rotate(vectors, i * count + p, i * count + q, cosine, sine)
      }
  }
  return { values: Float64Array.from({ length: count }, (_, i) => matrix[i * count + i]!), vectors }
}

const rotate = (of: Float64Array, p: number, q: number, cosine: number, sine: number) => {
  const x = of[p]!
  const y = of[q]!
  of[p] = cosine * x - sine * y
  of[q] = sine * x + cosine * y
}
