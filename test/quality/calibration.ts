/** How far foretold chances are from what happened. */
export interface Calibration {
  /** Expected calibration error: mean |foretold - happened| over ten bins of equal weight (Naeini et al. 2015). */
  readonly error: number
  /** Of a logistic regression of the outcome on the log-odds (Cox 1958): 1 and 0 where they are right. Slope under 1: too sure. */
  readonly slope: number
  readonly intercept: number
}

const bins = 10

/** `score`: log-odds. Cost: rows log rows. */
export const calibrationOf = (score: Float64Array, labels: Uint8Array, weights?: Float64Array): Calibration => {
  const order = Uint32Array.from(score, (_, r) => r).sort((a, b) => score[a]! - score[b]!)
  const weightOf = (row: number) => weights?.[row] ?? 1
  const total = order.reduce((sum, row) => sum + weightOf(row), 0)
  const foretold = new Float64Array(bins)
  const happened = new Float64Array(bins)
  let before = 0
  for (const row of order) {
    const bin = Math.min(Math.floor((bins * (before + weightOf(row) / 2)) / total), bins - 1)
    foretold[bin] = foretold[bin]! + weightOf(row) / (1 + Math.exp(-score[row]!))
    happened[bin] = happened[bin]! + weightOf(row) * labels[row]!
    before += weightOf(row)
  }
  const error = foretold.reduce((sum, value, bin) => sum + Math.abs(value - happened[bin]!), 0) / total
  return { error, ...coxLine(score, labels, weightOf) }
}

/** Newton's method on two numbers; a constant score has slope 0. */
const coxLine = (score: Float64Array, labels: Uint8Array, weightOf: (row: number) => number) => {
  let [slope, intercept] = [0, 0]
  for (let pass = 0; pass < 50; pass++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 1e-9, 0, 1e-9]
    score.forEach((s, row) => {
      const p = 1 / (1 + Math.exp(-(intercept + slope * s)))
      const residual = weightOf(row) * (p - labels[row]!)
      const curvature = weightOf(row) * p * (1 - p)
      g0 += residual
      g1 += residual * s
      h00 += curvature
      h01 += curvature * s
      h11 += curvature * s * s
    })
    const determinant = h00 * h11 - h01 * h01
    if (!(determinant > 1e-12 * h00 * h11)) return { slope: 0, intercept }
    const [move0, move1] = [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant]
    intercept -= move0
    slope -= move1
    if (Math.abs(move0) + Math.abs(move1) < 1e-10) break
  }
  return { slope, intercept }
}
