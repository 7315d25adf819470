import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { applyMarginals, initialModel } from '@tributary/shared/synthesizers/autoregressive/apply'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { describe, expect, it } from 'vitest'
import { sampleStudy } from '../../test/harness/report-fixture.ts'
import { relationsNoise, marginalNoise } from './noise-of-marginals.ts'

/** heart4 with round numbers: sigma 2, C 3, four shares, 100 promised; gradients sigma 5, 400 numbers, divisor 50, 25 steps. */
const manifest = ((): Manifest => {
  const study = sampleStudy('heart4')
  const [marginals, gradient] = study.plan.queries
  return {
    ...study,
    federation: { ...study.federation, noise_shares: 4 },
    plan: {
      ...study.plan,
      queries: [
        { ...marginals!, noise_multiplier: 2, clip_norm: 3, divisor: 100 },
        { ...gradient!, noise_multiplier: 5, dimension: 400, divisor: 50, steps: 25 },
      ],
    },
  }
})()

describe('marginalNoise', () => {
  it('equals a case worked out by hand', () => {
    const noise = marginalNoise(manifest, 4)
    expect(noise?.units).toBeCloseTo(6, 12)
    expect(noise?.share(2)).toBeCloseTo(0.06 * Math.SQRT1_2, 12)
    expect(noise?.share(1)).toBe(0) // one level is always 100 %
    // Every contributor adds a share, whatever the plan counts: sixteen for four double the deviation.
    expect(marginalNoise(manifest, 16)?.units).toBeCloseTo(12, 12)
    expect(relationsNoise(manifest, 4).step).toBeCloseTo((5 * 20) / 50, 12)
    expect(relationsNoise(manifest, 4).overall).toBeCloseTo(2 / 5, 12)
  })

  it('is what noise in the sums does to the released shares, norm-sub included', () => {
    const sizes = [2, 3, 6]
    const layout = layoutOf(sizes)
    const truth = [0.4, 0.6, 0.2, 0.5, 0.3, 0.1, 0.2, 0.15, 0.15, 0.22, 0.18]
    const units = 1000
    const deviation = 6
    const state = initialModel(networkOf(layout, { ...defaultSettings, hidden: 4 }), 1)
    const random = counterRandom(3, 0)
    const runs = 600
    const squares = new Float64Array(layout.cells)
    for (let run = 0; run < runs; run++) {
      const sums = Float64Array.from(truth, (share, cell) => units * share + deviation * random.normal(run, cell))
      applyMarginals(state, sums, units).marginals?.forEach((share, cell) => {
        squares[cell] = squares[cell]! + (share - truth[cell]!) ** 2 / runs
      })
    }
    const scaled = {
      ...manifest,
      plan: { ...manifest.plan, queries: [{ ...manifest.plan.queries[0]!, divisor: units }] },
    }
    sizes.forEach((size, j) => {
      const expected = marginalNoise(scaled, 4)?.share(size) ?? 0
      const seen = Math.sqrt(squares.slice(layout.offsets[j], layout.offsets[j + 1]).reduce((a, b) => a + b, 0) / size)
      expect(seen / expected).toBeGreaterThan(0.93)
      expect(seen / expected).toBeLessThan(1.07)
    })
  })
})
