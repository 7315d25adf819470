/** Moments of Adam (Kingma and Ba 2015). */
export interface Moments {
  readonly first: Float32Array
  readonly second: Float32Array
  /** Steps taken. */
  readonly steps: number
}

const decay = { first: 0.9, second: 0.99 }

export const noMoments = (length: number): Moments => ({
  first: new Float32Array(length),
  second: new Float32Array(length),
  steps: 0,
})

/** One step down `gradient`, in place: params and both moments change; the count is returned. */
export const descend = (params: Float32Array, moments: Moments, gradient: ArrayLike<number>, rate: number): Moments => {
  const { first, second } = moments
  const steps = moments.steps + 1
  const firstScale = 1 / (1 - decay.first ** steps)
  const secondScale = 1 / (1 - decay.second ** steps)
  for (let i = 0; i < params.length; i++) {
    const slope = gradient[i]!
    const mean = decay.first * first[i]! + (1 - decay.first) * slope
    const square = decay.second * second[i]! + (1 - decay.second) * slope * slope
    first[i] = mean
    second[i] = square
    params[i] = params[i]! - (rate * mean * firstScale) / (Math.sqrt(square * secondScale) + 1e-8)
  }
  return { first, second, steps }
}

export const copyOf = ({ first, second, steps }: Moments): Moments => ({
  first: first.slice(),
  second: second.slice(),
  steps,
})
