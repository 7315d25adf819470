import type { Delta } from '../units.ts'
import { isUnbounded, type MergedPhase, mergePhases, type Phase } from './phase.ts'
import { groupMoments } from './rdp-group.ts'
import { logAdd, logErfc, logSubtract } from './special.ts'

/** Renyi orders: those of Opacus (1.1 .. 10.9 by 0.1, 12 .. 63) and seven larger ones. */
export const rdpOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 52 }, (_, i) => 12 + i),
  72,
  80,
  96,
  128,
  256,
  512,
  1024,
]

/** Added to every value, relative: the series' own error is below 5e-7. */
const RELATIVE_SLACK = 1e-6
/** Added to the moment A - 1 of a fractional order, absolute: cancellation in the signed series. */
const ABSOLUTE_SLACK = 1e-14

/**
 * log A at an integer order, A = E_Q[(P/Q)^order] (Mironov, Talwar and Zhang 2019, section 3.3). A - 1 is summed, every term of
 * it positive: sum_i Binomial(order, q)(i) (e^((i^2 - i) / 2 sigma^2) - 1).
 */
const integerMoment = (q: number, sigma: number, order: number): number => {
  const [logRate, logRest] = [Math.log(q), Math.log1p(-q)]
  let excess = -Infinity
  let logChoose = 0
  for (let i = 1; i <= order; i++) {
    logChoose += Math.log((order - i + 1) / i)
    if (i === 1) continue
    const exponent = (i * i - i) / (2 * sigma * sigma)
    const growth = exponent > 30 ? exponent + Math.log1p(-Math.exp(-exponent)) : Math.log(Math.expm1(exponent))
    excess = logAdd(excess, logChoose + i * logRate + (order - i) * logRest + growth)
  }
  return excess > 30 ? excess + Math.exp(-excess) : Math.log1p(Math.exp(excess))
}

/**
 * log A at a fractional order: the two half-line series of Mironov, Talwar and Zhang (2019, section 3.3), with the signs of the
 * generalised binomials. The terms alternate and fall from there on, so what is left out is below the last, e^-34 of the sum.
 */
const fractionalMoment = (q: number, sigma: number, order: number): number => {
  const [logRate, logRest] = [Math.log(q), Math.log1p(-q)]
  const cut = sigma * sigma * (logRest - logRate) + 0.5
  const scale = 1 / (Math.SQRT2 * sigma)
  let positive = -Infinity
  let negative = -Infinity
  let logChoose = 0
  let sign = 1
  for (let i = 0; i < 100_000; i++) {
    if (i > 0) {
      const factor = order - i + 1
      logChoose += Math.log(Math.abs(factor)) - Math.log(i)
      if (factor < 0) sign = -sign
    }
    const j = order - i
    const common = logChoose - Math.LN2
    const below = common + i * logRate + j * logRest + (i * i - i) / (2 * sigma * sigma) + logErfc((i - cut) * scale)
    const above = common + j * logRate + i * logRest + (j * j - j) / (2 * sigma * sigma) + logErfc((cut - j) * scale)
    const term = logAdd(below, above)
    if (sign > 0) positive = logAdd(positive, term)
    else negative = logAdd(negative, term)
    if (i > order + 1 && term < positive - 34) break
  }
  return logSubtract(positive, negative)
}

/** log E_Q[(P/Q)^order], never below the truth; +Infinity where it is not bounded here. */
const moment = ({ sigma, rate, records }: MergedPhase, order: number): number => {
  if (rate === 1) return (order * (order - 1) * records * records) / (2 * sigma * sigma)
  if (Number.isInteger(order)) return integerMoment(rate, sigma, order) * (1 + RELATIVE_SLACK)
  const value = fractionalMoment(rate, sigma, order)
  // The divergence rises with the order, so an integer order above also bounds a series that cancelled to nothing.
  const above = (integerMoment(rate, sigma, Math.ceil(order)) * (order - 1)) / (Math.ceil(order) - 1)
  const signed = Number.isNaN(value) ? Infinity : Math.max(0, value) * (1 + RELATIVE_SLACK) + ABSOLUTE_SLACK
  return Math.min(signed, above * (1 + RELATIVE_SLACK))
}

/** Renyi differential privacy of a sequence of phases. */
export interface RdpCurve {
  readonly orders: readonly number[]
  /** Bound of the Renyi divergence at each order, either direction of add or remove; adds over phases and studies. */
  readonly values: Float64Array
}

/**
 * The curve at `rdpOrders`: signed series plus 1e-6 relative, never below the truth. For one record a unit removal dominates
 * (Mironov, Talwar and Zhang 2019, theorem 5); with several records both directions are integrated numerically, orders above
 * 64 bounded by the unsampled plan. Throws `UNIT_OUT_OF_RANGE`.
 */
export const rdpCurve = (phases: readonly Phase[]): RdpCurve => {
  const values = new Float64Array(rdpOrders.length)
  for (const phase of mergePhases(phases)) {
    const several = phase.rate < 1 && phase.records > 1 ? groupMoments(phase, rdpOrders) : undefined
    for (const [i, order] of rdpOrders.entries()) {
      const one = several ? (several[i] as number) * (1 + RELATIVE_SLACK) + ABSOLUTE_SLACK : moment(phase, order)
      values[i] = (values[i] as number) + (phase.steps * one) / (order - 1)
    }
  }
  return { orders: rdpOrders, values }
}

/** The least epsilon over a curve's orders (Balle et al. 2020, theorem 21), and the order that gives it. */
export const epsilonOfCurve = ({ orders, values }: RdpCurve, delta: Delta): { epsilon: number; order: number } => {
  let best = { epsilon: Infinity, order: orders[0] as number }
  for (const [i, order] of orders.entries()) {
    const epsilon =
      (values[i] as number) - (Math.log(delta) + Math.log(order)) / (order - 1) + Math.log((order - 1) / order)
    if (epsilon < best.epsilon) best = { epsilon, order }
  }
  return { epsilon: Math.max(0, best.epsilon), order: best.order }
}

/** Upper bound of epsilon at `delta` by Renyi divergence; 0 for no phases, Infinity at delta = 0. Throws `UNIT_OUT_OF_RANGE`. */
export const epsilonRdp = (phases: readonly Phase[], delta: Delta): { epsilon: number; order: number } => {
  const merged = mergePhases(phases)
  if (merged.length === 0) return { epsilon: 0, order: rdpOrders[0] as number }
  if (isUnbounded(merged, delta)) return { epsilon: Infinity, order: rdpOrders[0] as number }
  return epsilonOfCurve(rdpCurve(phases), delta)
}
