import type { MergedPhase } from './phase.ts'
import { normalTail } from './special.ts'

/**
 * One step seen by an adversary, reduced to the line (Zhu, Dong and Wang 2022; Doroshenko et al. 2022): P = sum_i w_i N(i, s^2)
 * with the unit's records, Q = N(0, s^2) without. Loss of removal at x is log P/Q, increasing and convex in x; of addition its
 * negative at x drawn from Q. Losses are natural logarithms, x is in clip norms.
 */
export interface LossMixture {
  readonly sigma: number
  readonly records: number
  loss(x: number): number
  /** The x whose loss is `value`; -Infinity below the least loss. `near` is a guess from the left. */
  locate(value: number, near: number): number
  /** P(X > x). */
  upperTail(x: number): number
  /** Q(X < x), at least P(X < x). */
  lowerTail(x: number): number
}

const gaussian = (sigma: number): LossMixture => ({
  sigma,
  records: 1,
  loss: (x) => (x - 0.5) / (sigma * sigma),
  locate: (value) => value * sigma * sigma + 0.5,
  upperTail: (x) => normalTail((x - 1) / sigma),
  lowerTail: (x) => normalTail(-x / sigma),
})

const single = (sigma: number, q: number): LossMixture => {
  const precision = 1 / (sigma * sigma)
  const [logRate, least] = [Math.log(q), Math.log1p(-q)]
  return {
    sigma,
    records: 1,
    loss(x) {
      const exponent = (x - 0.5) * precision
      return exponent > 700 ? exponent + logRate : Math.log1p(q * Math.expm1(exponent))
    },
    locate(value) {
      if (value <= least) return -Infinity
      const exponent =
        value > 30 ? value - logRate + Math.log1p((q - 1) * Math.exp(-value)) : Math.log1p(Math.expm1(value) / q)
      return exponent / precision + 0.5
    },
    upperTail: (x) => q * normalTail((x - 1) / sigma) + (1 - q) * normalTail(x / sigma),
    lowerTail: (x) => normalTail(-x / sigma),
  }
}

/** log of Binomial(k, q) weights, by the ratio recurrence (q < 1). */
const logBinomial = (k: number, q: number): Float64Array => {
  const weights = new Float64Array(k + 1)
  weights[0] = k * Math.log1p(-q)
  const odds = Math.log(q) - Math.log1p(-q)
  for (let i = 1; i <= k; i++) weights[i] = (weights[i - 1] as number) + odds + Math.log((k - i + 1) / i)
  return weights
}

const several = (sigma: number, q: number, k: number): LossMixture => {
  const precision = 1 / (sigma * sigma)
  const logWeights = logBinomial(k, q)
  const offsets = logWeights.map((weight, i) => weight - 0.5 * i * i * precision)
  const state = { slope: 0 }
  /** log sum_i e^(offset_i + i t); the terms are log-concave in i, so summing outward from the peak can stop early. */
  const loss = (x: number): number => {
    const t = x * precision
    let peak = 0
    for (let low = 0, high = k; low < high; ) {
      const middle = (low + high) >> 1
      if ((offsets[middle + 1] as number) - (offsets[middle] as number) + t > 0) low = middle + 1
      else high = middle
      peak = low
    }
    const top = (offsets[peak] as number) + peak * t
    let sum = 0
    let moment = 0
    for (let i = peak; i <= k; i++) {
      const term = Math.exp((offsets[i] as number) + i * t - top)
      sum += term
      moment += i * term
      if (term < 1e-20) break
    }
    for (let i = peak - 1; i >= 0; i--) {
      const term = Math.exp((offsets[i] as number) + i * t - top)
      sum += term
      moment += i * term
      if (term < 1e-20) break
    }
    state.slope = (moment / sum) * precision
    return top + Math.log(sum)
  }
  return {
    sigma,
    records: k,
    loss,
    locate(value, near) {
      if (value <= (offsets[0] as number)) return -Infinity
      // The loss is convex: after one Newton step every iterate lies right of the root and falls towards it.
      let low = -Infinity
      let x = Number.isFinite(near) ? near : -10 * sigma
      for (let i = 0; i < 200; i++) {
        const gap = loss(x) - value
        if (gap < 0) low = Math.max(low, x)
        const next = x - gap / state.slope
        const step = Math.abs(next - x)
        x = next > low ? Math.min(next, k + 60 * sigma) : 0.5 * (x + low)
        if (step <= 1e-14 * (Math.abs(x) + sigma)) break
      }
      return x
    },
    upperTail(x) {
      let sum = 0
      for (let i = 0; i <= k; i++) sum += Math.exp(logWeights[i] as number) * normalTail((x - i) / sigma)
      return sum
    },
    lowerTail: (x) => normalTail(-x / sigma),
  }
}

export const lossMixture = (phase: MergedPhase): LossMixture => {
  if (phase.rate === 1) return gaussian(phase.sigma)
  return phase.records === 1 ? single(phase.sigma, phase.rate) : several(phase.sigma, phase.rate, phase.records)
}

/** The interval of x outside which P and Q each hold at most `mass`. */
export const supportOf = (mixture: LossMixture, mass: number): readonly [low: number, high: number] => {
  const bisect = (isSmall: (x: number) => boolean, small: number, large: number): number => {
    let [a, b] = [small, large]
    for (let i = 0; i < 50; i++) {
      const middle = 0.5 * (a + b)
      if (isSmall(middle)) a = middle
      else b = middle
    }
    return a
  }
  const reach = 38 * mixture.sigma
  return [
    bisect((x) => mixture.lowerTail(x) <= mass / 2, -reach, 0),
    bisect((x) => mixture.upperTail(x) <= mass / 2, mixture.records + reach, 0),
  ]
}
