import { describe, expect, it } from 'vitest'
import { agreementOf } from '../../test/harness/goodness-of-fit.ts'
import type { CellCondition } from '../synthesizers/cell-condition.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { conditionModel } from './conditioned-model.ts'
import { networkOf } from '../synthesizers/autoregressive/network.ts'
import { sampleCells } from './sample.ts'
import { defaultSettings } from '../synthesizers/autoregressive/settings.ts'
import { autoregressiveGenerator } from '../synthesizers/autoregressive/generator.ts'
import type { Generator } from './generator.ts'

/** Chance of a false alarm, and the two-sided deviations of a normal beyond which it lies. */
const alarm = 1e-6
const deviations = 4.9

/** Marginals far from the network's own: most of a cohort is raking. */
const layout = layoutOf([3, 2, 4])
const network = networkOf(layout, { ...defaultSettings, hidden: 6 })
const random = counterRandom(3, 9)
const model: Generator = autoregressiveGenerator({
  network,
  params: Float32Array.from({ length: network.dimension }, (_, i) => 0.7 * random.normal(i, 0)),
  marginals: Float64Array.of(0.15, 0.25, 0.6, 0.72, 0.28, 0.4, 0.1, 0.15, 0.35),
  levels: layout.sizes.map(() => null),
})
const cells = [null, null, null]
const is = (column: number, ...codes: number[]): CellCondition => ({
  column,
  allowed: Uint8Array.from({ length: layout.sizes[column]! }, (_, code) => (codes.includes(code) ? 1 : 0)),
})

/** Rows of each of the 24 kinds. */
const kinds = async (batches: AsyncIterable<Uint16Array>): Promise<Float64Array> => {
  const counts = new Float64Array(24)
  for await (const batch of batches)
    for (let r = 0; r < batch.length; r += 3) counts[(batch[r]! * 2 + batch[r + 1]!) * 4 + batch[r + 2]!]!++
  return counts
}

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0)

describe('the tilted model and the unconditional sampler', () => {
  const everybody = kinds(sampleCells(model, 1_000_000, 21))

  it.each<[string, CellCondition, (kind: number) => boolean]>([
    ['an early column', is(0, 0), (kind) => kind < 8],
    ['a late column', is(2, 1, 2), (kind) => kind % 4 === 1 || kind % 4 === 2],
    ['two columns', { all: [is(1, 1), is(2, 0)] }, (kind) => kind % 8 === 4],
  ])('have one distribution under a condition on %s', async (_, condition, isMet) => {
    const counts = (await everybody).map((count, kind) => (isMet(kind) ? count : 0))
    const conditioned = conditionModel(model, cells, condition)
    const cohort = await kinds(conditioned.sample(300_000, 22))
    expect(sum(cohort.filter((_, kind) => !isMet(kind)))).toBe(0)
    expect(agreementOf(cohort, counts)).toBeGreaterThan(alarm)
    const support = sum(counts) / 1_000_000
    const sampling = Math.sqrt((support * (1 - support)) / 1_000_000)
    expect(Math.abs(conditioned.support - support)).toBeLessThan(
      deviations * Math.hypot(conditioned.supportError, sampling),
    )
  })
})
