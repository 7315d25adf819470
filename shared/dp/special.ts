/** Special functions of the accountant, each to about 1e-15 relative (logGamma: absolute near its zeros at 1 and 2). */

const SQRT_PI = Math.sqrt(Math.PI)

/** exp(-factor x^2), factor 1 or 1/2: x is split so that the leading square is exact and its rounding is not amplified. */
const expMinusSquare = (x: number, factor = 1): number => {
  const high = Math.fround(x)
  return Math.exp(-factor * high * high) * Math.exp(-factor * (x - high) * (x + high))
}

/** exp(x^2) erfc(x) for x >= 1: Laplace's continued fraction, evaluated by Lentz's method. */
const scaledErfc = (x: number): number => {
  let c = x
  let d = 0
  let fraction = x
  for (let k = 1; k <= 2000; k++) {
    const a = k / 2
    d = 1 / (x + a * d)
    c = x + a / c
    const ratio = c * d
    fraction *= ratio
    if (Math.abs(ratio - 1) < 1e-16) break
  }
  return 1 / (SQRT_PI * fraction)
}

/** erf(x) for |x| < 1 by the all-positive series e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!!. */
const erfSeries = (x: number): number => {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / SQRT_PI) * expMinusSquare(x) * sum
}

/** Complementary error function. */
export const erfc = (x: number): number => {
  if (x < -1) return 2 - erfc(-x)
  if (x < 1) return 1 - erfSeries(x)
  return x > 27.5 ? 0 : expMinusSquare(x) * scaledErfc(x)
}

/** log erfc(x), finite where erfc underflows. */
export const logErfc = (x: number): number => (x < 1 ? Math.log(erfc(x)) : -x * x + Math.log(scaledErfc(x)))

/** P(X > x) for a standard normal X. */
export const normalTail = (x: number): number => {
  const z = x * Math.SQRT1_2
  return z < 1 || z > 27.5 ? 0.5 * erfc(z) : 0.5 * expMinusSquare(x, 0.5) * scaledErfc(z)
}

/** log of the standard normal distribution function. */
export const logNdtr = (x: number): number =>
  x > 0 ? Math.log1p(-normalTail(x)) : logErfc(-x * Math.SQRT1_2) - Math.LN2

/** Bernoulli numbers B_2n / (2n (2n - 1)) of Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400]

/** log Gamma(x) for x > 0: Stirling's series above 16, reached by the recurrence. */
export const logGamma = (x: number): number => {
  let shift = 1
  let y = x
  while (y < 16) {
    shift *= y
    y += 1
  }
  const inverseSquare = 1 / (y * y)
  let series = 0
  for (let n = STIRLING.length - 1; n >= 0; n--) series = series * inverseSquare + (STIRLING[n] as number)
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series / y - Math.log(shift)
}

/** log(e^a + e^b). */
export const logAdd = (a: number, b: number): number => {
  const high = Math.max(a, b)
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high))
}

/** log(e^a - e^b) for a >= b. */
export const logSubtract = (a: number, b: number): number => (b === -Infinity ? a : a + Math.log(-Math.expm1(b - a)))

/** log of the sum of e^(values[i]); -Infinity for none. */
export const logSumExp = (values: Float64Array): number => {
  let high = -Infinity
  for (const value of values) if (value > high) high = value
  if (!Number.isFinite(high)) return high
  let sum = 0
  for (const value of values) sum += Math.exp(value - high)
  return high + Math.log(sum)
}

/** Abscissa of the least value of a quasi-convex function on [low, high], by golden section. */
export const minimise = (f: (x: number) => number, low: number, high: number, iterations = 48): number => {
  const ratio = (Math.sqrt(5) - 1) / 2
  let [a, b] = [low, high]
  let [c, d] = [b - ratio * (b - a), a + ratio * (b - a)]
  let [fc, fd] = [f(c), f(d)]
  for (let i = 0; i < iterations; i++) {
    if (fc <= fd) {
      ;[b, d, fd] = [d, c, fc]
      c = b - ratio * (b - a)
      fc = f(c)
    } else {
      ;[a, c, fc] = [c, d, fd]
      d = a + ratio * (b - a)
      fd = f(d)
    }
  }
  return fc <= fd ? c : d
}
