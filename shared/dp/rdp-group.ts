import { lossMixture } from './loss-mixture.ts'
import type { MergedPhase } from './phase.ts'

const LARGEST_ORDER = 64
/** Most nodes of the quadrature; below it the order falls that is still integrated. */
const MOST_NODES = 1 << 20
/** An integrand's ends must lie this far below its peak (natural logarithm), or its integral is not trusted. */
const DECAY = 42

/** The stretch of x that holds all integrands up to an order, and how many nodes it takes. */
const stretch = ({ sigma, rate, records }: MergedPhase, order: number) => {
  const spacing = Math.min(sigma / 6, (sigma * sigma) / (2 * records))
  // Addition at order t peaks where -x = sigma^2 (t - 1) loss'(x), which these two bounds enclose.
  const pull = (order * records * rate) / (1 - rate)
  const low = -12 * sigma - Math.min(pull, sigma * sigma * Math.log1p(pull))
  const size = Math.ceil((order * records + 12 * sigma - low) / spacing) + 1
  return { order, low, spacing, size }
}

/** The largest stretch that the nodes allow; order 0 where there is none. */
const affordable = (phase: MergedPhase) => {
  for (let order = LARGEST_ORDER; order > 1; order /= 2) {
    const candidate = stretch(phase, order)
    if (candidate.size <= MOST_NODES) return candidate
  }
  return { order: 0, low: 0, spacing: 1, size: 0 }
}

/**
 * log E[(ratio)^order] for a unit of several records, the larger of removal and addition, by the trapezoid rule in x. The
 * integrands are analytic in a strip, so the rule's relative error is below 1e-15. Orders above 64, or too wide for 2^20 nodes,
 * get the bound of all records in every step, order (order - 1) k^2 / 2 sigma^2 (divergences are quasi-convex). Cost: one
 * mixture evaluation a node (about k order / spacing nodes), one exponential a node and order.
 */
export const groupMoments = (phase: MergedPhase, orders: readonly number[]): Float64Array => {
  const { sigma, records } = phase
  const mixture = lossMixture(phase)
  const { order: largest, low, spacing, size } = affordable(phase)
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
  return Float64Array.from(orders, (order) => {
    const all = (order * (order - 1) * (records / sigma) ** 2) / 2
    return order > largest ? all : Math.min(all, Math.max(logMoment(order), logMoment(1 - order)))
  })
}
