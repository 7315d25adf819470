import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { areaUnderCurve } from './area-under-curve.ts'
import { readScores } from './score-reading.ts'

/** Standard normal draws of a fixed seed: mulberry32 and Box-Muller. */
const normals = (seed: number) => {
  let state = seed
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

const bins = 16
/** Counts that fall in negatives and rise in positives. */
const truth = (positives: number, negatives: number) =>
  Float64Array.from({ length: 2 * bins }, (_, i) =>
    i < bins ? (negatives * 2 * (bins - i - 0.5)) / bins ** 2 : (positives * 2 * (i - bins + 0.5)) / bins ** 2,
  )

describe('readScores', () => {
  it('is the AUC of the rows behind the histogram when there is no noise', () => {
    const histogram = truth(256, 512)
    const scores: number[] = []
    const labels: boolean[] = []
    histogram.forEach((count, i) => {
      for (let k = 0; k < Math.round(count); k++) {
        scores.push(i % bins)
        labels.push(i >= bins)
      }
    })
    const { auc, positives, negatives, countError, roc } = readScores(histogram.map(Math.round), 0)
    expect(auc?.value).toBeCloseTo(
      areaUnderCurve(Float64Array.from(scores), (r) => labels[r]!),
      12,
    )
    expect(auc?.noiseError).toBe(0)
    expect([positives, negatives, countError]).toEqual([256, 512, 0])
    expect(roc[0]).toEqual({ falsePositive: 0, truePositive: 0 })
    expect(roc.at(-1)).toEqual({ falsePositive: 1, truePositive: 1 })
    // The trapezium under it is the AUC.
    const area = roc.slice(1).reduce((sum, { falsePositive, truePositive }, i) => {
      const before = roc[i]!
      return sum + ((falsePositive - before.falsePositive) * (truePositive + before.truePositive)) / 2
    }, 0)
    expect(area).toBeCloseTo(auc!.value, 12)
  })

  it.each([
    { positives: 400, negatives: 4000, noise: 2 },
    { positives: 400, negatives: 4000, noise: 12 },
    { positives: 3000, negatives: 3000, noise: 40 },
  ])('its intervals cover the truth as often as they say: %o', ({ positives, negatives, noise }) => {
    const normal = normals(positives + noise)
    const exact = truth(positives, negatives)
    const trueReading = readScores(exact, 0)
    const trials = 2000
    let [insideAuc, insideShares, shares, drift] = [0, 0, 0, 0]
    for (let trial = 0; trial < trials; trial++) {
      const reading = readScores(
        exact.map((count) => count + noise * normal()),
        noise,
      )
      const { value, noiseError } = reading.auc!
      if (Math.abs(value - trueReading.auc!.value) <= 1.96 * noiseError) insideAuc++
      drift += (value - trueReading.auc!.value) / trials
      reading.bins.forEach(({ positiveShare, shareError }, b) => {
        if (positiveShare === null || shareError === null) return
        shares++
        if (Math.abs(positiveShare - trueReading.bins[b]!.positiveShare!) <= 1.96 * shareError) insideShares++
      })
    }
    // 0.95 +- 4.5 binomial deviations, and the first order's own error.
    expect(insideAuc / trials).toBeGreaterThan(0.925)
    expect(insideAuc / trials).toBeLessThan(0.98)
    expect(insideShares / shares).toBeGreaterThan(0.925)
    expect(Math.abs(drift)).toBeLessThan(0.004)
  })

  it('cells cut at zero would not do: they draw the AUC to one half', () => {
    const [positives, negatives, noise] = [400, 4000, 12]
    const normal = normals(1)
    const exact = truth(positives, negatives)
    let drift = 0
    for (let trial = 0; trial < 500; trial++) {
      const cut = exact.map((count) => Math.max(0, count + noise * normal()))
      drift += (readScores(cut, noise).auc!.value - readScores(exact, 0).auc!.value) / 500
    }
    expect(drift).toBeLessThan(-0.005)
  })

  test.prop([fc.array(fc.double({ min: -5, max: 5000, noNaN: true }), { minLength: 16, maxLength: 16 })])(
    'whatever the histogram, shares are shares and the ROC ends at (1, 1)',
    (cells) => {
      const { auc, roc, bins: read } = readScores(Float64Array.from(cells), 1)
      const shares = [
        ...roc.flatMap(Object.values),
        ...read.map(({ positiveShare }) => positiveShare ?? 0),
        auc?.value ?? 0,
      ]
      for (const share of shares as number[]) {
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThanOrEqual(1)
      }
      if (auc !== null) {
        expect(auc.samplingError).not.toBeNaN()
        expect(roc.at(-1)?.falsePositive).toBeCloseTo(1, 12)
      }
    },
  )

  it('ends the ROC at one, although sums in two orders differ', () => {
    const { roc } = readScores(Float64Array.of(0.3, 0.2, 0.1, 0.3, 0.2, 0.1), 0)
    expect(0.1 + 0.2 + 0.3).toBeGreaterThan(0.3 + 0.2 + 0.1)
    expect(roc.at(-1)).toEqual({ falsePositive: 1, truePositive: 1 })
  })

  it('says nothing where the noise drowns a label or a bin', () => {
    const few = readScores(truth(10, 4000), 5)
    expect(few.auc).toBeNull()
    expect(few.roc).toEqual([])
    expect(few.bins.every(({ positives, negatives }) => positives >= 0 && negatives >= 0)).toBe(true)
    expect(readScores(new Float64Array(8), 0).bins[0]).toEqual({
      positives: 0,
      negatives: 0,
      positiveShare: null,
      shareError: null,
    })
    expect(readScores(new Float64Array(8), 0).auc).toBeNull()
  })

  it('knows how much chance of which patients is in it (Hanley and McNeil 1982, their example)', () => {
    // AUC 0.893 with 51 abnormal and 58 normal films: standard error 0.032.
    const histogram = Float64Array.of(33, 6, 6, 11, 2, 3, 2, 2, 11, 33)
    expect(readScores(histogram, 0).auc!.value).toBeCloseTo(0.893, 3)
    expect(readScores(histogram, 0).auc!.samplingError).toBeCloseTo(0.032, 3)
  })
})
