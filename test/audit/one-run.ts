/**
 * The one-run audit of Steinke, Nasr and Jagielski (2023, arXiv 2305.08846): m canaries are put in or left out by independent fair
 * coins, the mechanism runs once, and whoever sees its output guesses some of the coins. Too many right guesses refute a claim.
 */
export interface Guesses {
  /** Coins thrown. */
  readonly canaries: number
  /** Coins guessed; how many is settled before the run. */
  readonly guesses: number
  readonly correct: number
}

/**
 * A bound on the chance of so many right guesses under any (epsilon, delta)-private mechanism, one canary added or removed:
 * theorem 5.2 of the paper. Right guesses are dominated by W = Binomial(guesses, e^epsilon / (1 + e^epsilon)), up to
 * 2 m delta max over i >= 1 of P[correct - i <= W < correct] / i. O(guesses).
 */
export const pValue = ({ canaries, guesses, correct }: Guesses, epsilon: number, delta: number): number => {
  const chance = binomial(guesses, Math.exp(epsilon))
  let tail = 0
  for (let k = guesses; k >= correct; k--) tail += chance[k]!
  let below = 0
  let worst = 0
  for (let i = 1; i <= correct; i++) {
    below += chance[correct - i]!
    worst = Math.max(worst, below / i)
  }
  return Math.min(1, tail + 2 * canaries * delta * worst)
}

/**
 * The largest epsilon that the guesses refute at the level `significance`: a lower bound on the mechanism's own epsilon at
 * `delta` that is wrong with at most that probability. 0 when nothing is refuted. To 1e-9.
 */
export const epsilonLowerBound = (seen: Guesses, delta: number, significance: number): number => {
  let low = 0
  if (pValue(seen, low, delta) > significance) return 0
  let high = 1
  while (high < 64 && pValue(seen, high, delta) <= significance) high *= 2
  for (; high - low > 1e-9; ) {
    const middle = (low + high) / 2
    if (pValue(seen, middle, delta) <= significance) low = middle
    else high = middle
  }
  return low
}

/** P[Binomial(n, odds / (1 + odds)) = k], k = 0 .. n, by ratios from the likeliest k outwards: each to about n rounding errors. */
const binomial = (n: number, odds: number): Float64Array => {
  const chance = new Float64Array(n + 1)
  const mode = Math.min(n, Math.floor((n + 1) / (1 + 1 / odds)))
  chance[mode] = 1
  let total = 1
  for (let k = mode; k < n; k++) total += chance[k + 1] = (chance[k]! * (n - k) * odds) / (k + 1)
  for (let k = mode; k > 0; k--) total += chance[k - 1] = (chance[k]! * k) / ((n - k + 1) * odds)
  return chance.map((weight) => weight / total)
}
