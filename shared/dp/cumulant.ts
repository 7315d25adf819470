import type { LossMixture } from './loss-mixture.ts'
import { minimise } from './special.ts'

/** 'remove': P with the unit against Q without; 'add': the other way round. */
export type Direction = 'remove' | 'add'

/**
 * log-moment generating function K(t) = sum_j T_j log E[e^(t loss)] of the composed loss in one direction, by the trapezoid
 * rule in x (exponentially accurate: the integrand is analytic). Used to place grids and windows; what is charged never rests
 * on it. The distributions are cut to `support`.
 */
export type Cumulant = (t: number) => number

export const cumulants = (
  steps: readonly {
    readonly mixture: LossMixture
    readonly support: readonly [low: number, high: number]
    readonly repeats: number
  }[],
): Record<Direction, Cumulant> => {
  const nodes = steps.map(({ mixture, support: [low, high], repeats }) => {
    const spacing = Math.min(mixture.sigma / 6, (mixture.sigma * mixture.sigma) / (2 * mixture.records))
    const size = Math.min(20_000, Math.ceil((high - low) / spacing) + 1)
    const width = (high - low) / (size - 1)
    const logDensity = new Float64Array(size)
    const losses = new Float64Array(size)
    for (let i = 0; i < size; i++) {
      const x = low + i * width
      logDensity[i] = -0.5 * (x / mixture.sigma) ** 2 + Math.log(width / (mixture.sigma * Math.sqrt(2 * Math.PI)))
      losses[i] = mixture.loss(x)
    }
    return { repeats, logDensity, losses }
  })
  /** sum_j T_j log E_Q[e^(power * loss of removal)]. */
  const logMoment = (power: number): number => {
    let total = 0
    for (const { repeats, logDensity, losses } of nodes) {
      let high = -Infinity
      for (let i = 0; i < losses.length; i++)
        high = Math.max(high, (logDensity[i] as number) + power * (losses[i] as number))
      let sum = 0
      for (let i = 0; i < losses.length; i++)
        sum += Math.exp((logDensity[i] as number) + power * (losses[i] as number) - high)
      total += repeats * (high + Math.log(sum))
    }
    return total
  }
  return { remove: (t) => logMoment(t + 1), add: (t) => logMoment(-t) }
}

/**
 * log of the least factor c with delta(epsilon) <= c e^(K(t) - t epsilon): t log t - (1 + t) log(1 + t)
 * (Canonne, Kamath and Steinke 2020, proposition 12; equals the conversion of Balle et al. 2020 at order 1 + t).
 */
export const conversion = (t: number): number => t * Math.log(t) - (1 + t) * Math.log1p(t)

/** The tilt t and the epsilon that the Chernoff bound gives at `logDelta`. */
export const saddle = (k: Cumulant, logDelta: number): { readonly tilt: number; readonly epsilon: number } => {
  const bound = (logTilt: number): number => {
    const tilt = Math.exp(logTilt)
    return (k(tilt) + conversion(tilt) - logDelta) / tilt
  }
  const best = minimise(bound, Math.log(1e-4), Math.log(1e4))
  return { tilt: Math.exp(best), epsilon: bound(best) }
}

/** A level that the composed loss exceeds with probability at most e^logMass, and the tilt that shows it. */
export const upperQuantile = (k: Cumulant, logMass: number): { readonly tilt: number; readonly level: number } => {
  const bound = (logTilt: number): number => (k(Math.exp(logTilt)) - logMass) / Math.exp(logTilt)
  const best = minimise(bound, Math.log(1e-4), Math.log(1e4))
  return { tilt: Math.exp(best), level: bound(best) }
}

/** Levels outside which the loss tilted by `tilt` falls with probability at most e^logMass a side. */
export const tiltedRange = (k: Cumulant, tilt: number, logMass: number): readonly [low: number, high: number] => {
  const base = k(tilt)
  const least = (sign: number): number => {
    const bound = (logShift: number): number => {
      const shift = Math.exp(logShift)
      return (k(tilt + sign * shift) - base - logMass) / shift
    }
    return bound(minimise(bound, Math.log(1e-4), Math.log(1e4)))
  }
  return [-least(-1), least(1)]
}
