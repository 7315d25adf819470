import { CodedError } from '../errors.ts'
import { type Delta, delta as checkedDelta, type NoiseMultiplier, noiseMultiplier } from '../units.ts'
import { logNdtr, logSubtract } from './special.ts'

/** log delta of one Gaussian release with sensitivity / sd = `mu`: Phi(mu/2 - e/mu) - e^e Phi(-mu/2 - e/mu). */
const logDelta = (mu: number, epsilon: number): number => {
  const removed = logNdtr(mu / 2 - epsilon / mu)
  return logSubtract(removed, Math.min(removed, epsilon + logNdtr(-mu / 2 - epsilon / mu)))
}

/**
 * Exact epsilon >= 0 at `delta` of one unsampled Gaussian release, noise `sigma` times the sensitivity (Balle and Wang 2018,
 * theorem 8); for add or remove of one unit. `sigma / sqrt(T)` prices T releases. Infinity at delta = 0. The upper end of the
 * final bracket (relative 1e-14) is returned. Throws `UNIT_OUT_OF_RANGE`.
 */
export const gaussianEpsilon = (sigma: NoiseMultiplier, delta: Delta): number => {
  const mu = 1 / noiseMultiplier(sigma)
  if (checkedDelta(delta) === 0) return Infinity
  const target = Math.log(delta)
  if (logDelta(mu, 0) <= target) return 0
  let low = 0
  // mu^2 / 2 + mu sqrt(2 log(1 / delta)) bounds epsilon (Chernoff).
  let high = mu * (mu / 2 + Math.sqrt(-2 * target)) + 1e-300
  if (logDelta(mu, high) > target) throw new CodedError('INTERNAL', 'the Gaussian bracket does not hold')
  for (let i = 0; i < 200 && high - low > 1e-14 * high; i++) {
    const middle = 0.5 * (low + high)
    if (logDelta(mu, middle) <= target) high = middle
    else low = middle
  }
  return high
}
