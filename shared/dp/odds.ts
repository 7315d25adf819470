import { CodedError } from '../errors.ts'

/**
 * What epsilon means to one person: an adversary who holds a fact about a unit with probability `prior` before a release holds
 * it with at most this probability afterwards; delta is a small allowance beside that, as if with that probability anything might
 * be revealed (Kairouz, Oh and Viswanath 2015). Bayes: e^epsilon p / (1 - p + e^epsilon p). Epsilon 1 takes 0.5 to 0.731. Throws `UNIT_OUT_OF_RANGE` outside epsilon >= 0 and 0 <= prior <= 1.
 */
export const odds = (epsilon: number, prior: number): number => {
  if (!(epsilon >= 0)) throw new CodedError('UNIT_OUT_OF_RANGE', `epsilon must be at least 0, got ${epsilon}`)
  if (!(prior >= 0 && prior <= 1)) throw new CodedError('UNIT_OUT_OF_RANGE', `a prior must be in [0, 1], got ${prior}`)
  return prior === 0 ? 0 : prior / (prior + (1 - prior) * Math.exp(-epsilon))
}

/* How a bound is printed: what a page or a terminal says is never below what was computed. */

/** An upper bound with `digits` after the point, rounded up at the last: 2.628 with one digit is 2.7. */
export const atMostText = (bound: number, digits: number): string => {
  const text = bound.toFixed(digits)
  return Number(text) >= bound ? text : (Number(text) + 10 ** -digits).toFixed(digits)
}

/** `value` > 0 with `digits` significant digits, the last rounded towards `side`; 0 and infinity as they are. */
const figure = (value: number, digits: number, side: 1 | -1): string => {
  if (!(value > 0 && value < Infinity)) return String(value)
  const near = Number(value.toPrecision(digits))
  if (side * (near - value) >= 0) return String(near)
  const unit = 10 ** (Math.floor(Math.log10(value)) - digits + 1)
  return String(Number((near + side * unit).toPrecision(digits)))
}

/** An upper bound with so many significant digits, rounded up; no trailing zeros. */
export const atMostFigure = (bound: number, digits: number): string => figure(bound, digits, 1)

/** A lower bound with so many significant digits, rounded down; no trailing zeros. */
export const atLeastFigure = (bound: number, digits: number): string => figure(bound, digits, -1)

/**
 * The most that a belief can become, as a percentage rounded up: whole, with one digit below 10 and above 99; beyond 99.9 in
 * words, since nothing short of certainty is 100 %.
 */
export const beliefText = (belief: number): string => {
  const percent = 100 * belief
  if (percent > 99.9) return 'practically 100 %'
  return `${Number(atMostText(percent, percent < 10 || percent > 99 ? 1 : 0))} %`
}
