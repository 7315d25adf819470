import fc from 'fast-check'
import { erfc } from '@tributary/shared/dp/special'

/** One Poisson-sampled Gaussian release of a unit with `records` records, and the delta it is priced at. */
export interface SampledStep {
  readonly sigma: number
  readonly q: number
  readonly records: number
  readonly delta: number
}

export const sampledSteps: fc.Arbitrary<SampledStep> = fc.record({
  sigma: fc.double({ min: 0.4, max: 6, noNaN: true }),
  q: fc.double({ min: 1e-3, max: 0.95, noNaN: true }),
  records: fc.constantFrom(1, 1, 2, 3, 7),
  delta: fc.double({ min: -8, max: -3, noNaN: true }).map((log) => 10 ** log),
})

const upper = (x: number) => 0.5 * erfc(x * Math.SQRT1_2)

/** delta(epsilon) of one step by the closed form, in both directions: an oracle that shares nothing with grids and transforms. */
export const deltaOfStep = ({ sigma, q, records: k }: SampledStep, epsilon: number) => {
  const weights = [(1 - q) ** k]
  for (let i = 1; i <= k; i++) weights.push(((weights[i - 1] as number) * (k - i + 1) * q) / (i * (1 - q)))
  const ratio = (x: number) =>
    weights.reduce((sum, w, i) => sum + w * Math.exp((i * x - (i * i) / 2) / (sigma * sigma)), 0)
  const crossing = (loss: number): number => {
    let [low, high] = [-60 * sigma, k + 60 * sigma]
    for (let i = 0; i < 100; i++) {
      const middle = 0.5 * (low + high)
      if (ratio(middle) > Math.exp(loss)) high = middle
      else low = middle
    }
    return low
  }
  const mixture = (f: (i: number) => number) => weights.reduce((sum, w, i) => sum + w * f(i), 0)
  const x = crossing(epsilon)
  const y = crossing(-epsilon)
  return {
    remove: mixture((i) => upper((x - i) / sigma)) - Math.exp(epsilon) * upper(x / sigma),
    add: upper(-y / sigma) - Math.exp(epsilon) * mixture((i) => upper(-(y - i) / sigma)),
  }
}
