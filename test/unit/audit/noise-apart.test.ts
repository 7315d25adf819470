import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { clippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import { mixtureSchema } from '@tributary/shared/synthesizers/mixture/schema'
import { expect, test } from 'vitest'
import { noisedIntegers } from '../../../site-agent/contribution/noise.ts'
import { canaryNetwork, canaryStudy } from '../../audit/canary-study.ts'

const network = canaryNetwork({ hidden: 1, steps: 5, samplingRate: 0.1, marginalsShare: 0.5 })
const mixture = mixtureSchema.parse({ name: 'mixture', most_groups: 64 })
const queries = [
  ...queriesOf(canaryStudy({ name: 'noise-apart', levels: [2048], epsilon: 2, family: network }).plan),
  ...queriesOf(canaryStudy({ name: 'pairs-apart', levels: [48, 48], epsilon: 2, family: mixture }).plan).slice(1),
]

/** Seven deviations at 4,095 lags: a false alarm in 10^8 runs. */
test.each(queries)(
  'R16 noise: no value of a contribution repeats another, in it or in the next one, at any distance ($kind)',
  (query) => {
    const n = query.dimension
    const [one, next] = [0, 1].map(() => {
      const noise = noisedIntegers(clippedSum(new Float64Array(n), query.clipNorm), query, osRandomStreams())
      const norm = Math.hypot(...noise)
      return noise.map((value) => value / norm)
    }) as [Float64Array, Float64Array]
    const correlation = (other: Float64Array, lag: number) =>
      one.reduce((sum, value, i) => sum + value * other[(i + lag) % n]!, 0)
    let worst = 0
    for (let lag = 0; lag < n; lag++)
      worst = Math.max(worst, Math.abs(correlation(next, lag)), lag === 0 ? 0 : Math.abs(correlation(one, lag)))
    expect(worst).toBeLessThan(7 / Math.sqrt(n))
  },
)
