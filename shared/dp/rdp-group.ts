import { lossMixture } from './loss-mixture.ts'
import type { MergedPhase } from './phase.ts'

const LARGEST_ORDER = 64
/** An integrand's ends must lie this far below its peak (natural logarithm), or its integral is not trusted. */
const DECAY = 42

/**
 * log E[(ratio)^order] for a unit of several records, the larger of removal and addition, by the trapezoid rule in x. The
 * integrands are analytic in a strip, so the rule's relative error is below 1e-15. Orders above 64 give Infinity. Cost: one
 * mixture evaluation a node (about k order / spacing nodes), one exponential a node and order.
 */
export const groupMoments = (phase: MergedPhase, orders: readonly number[]): Float64Array => {
  const { sigma, rate, records } = phase
  const mixture = lossMixture(phase)
  const spacing = Math.min(sigma / 6, (sigma * sigma) / (2 * records))
  // Addition at order t peaks where -x = sigma^2 (t - 1) loss'(x), which these two bounds enclose.
  const pull = (LARGEST_ORDER * records * rate) / (1 - rate)
  const low = -12 * sigma - Math.min(pull, sigma * sigma * Math.log1p(pull))
  const size = Math.ceil((LARGEST_ORDER * records + 12 * sigma - low) / spacing) + 1
  const logDensity = new Float64Array(size)
  const losses = new Float64Array(size)
  for (let i = 0; i < size; i++) {
    const x = low + i * spacing
    logDensity[i] = -0.5 * (x / sigma) ** 2 + Math.log(spacing / (sigma * Math.sqrt(2 * Math.PI)))
    losses[i] = mixture.loss(x)
  }
  const logMoment = (power: number): number => {
    const exponent = (i: number) => (logDensity[i] as number) + power * (losses[i] as number)
    let peak = -Infinity
    for (let i = 0; i < size; i++) peak = Math.max(peak, exponent(i))
    if (exponent(0) > peak - DECAY || exponent(size - 1) > peak - DECAY) return Infinity
    let sum = 0
    for (let i = 0; i < size; i++) {
      const e = exponent(i) - peak
      if (e > -DECAY) sum += Math.exp(e)
    }
    return Math.max(0, peak + Math.log(sum))
  }
  return Float64Array.from(orders, (order) =>
    order > LARGEST_ORDER ? Infinity : Math.max(logMoment(order), logMoment(1 - order)),
  )
}
