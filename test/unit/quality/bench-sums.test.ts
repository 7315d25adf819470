import { totalSteps } from '@tributary/shared/dp/steps'
import { queryFactsOf } from '@tributary/shared/dp/query-facts'
import { freezeStudy, type Manifest, parseStudy } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { decodeParameters } from '@tributary/shared/synthesizers/parameters'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { Training } from '../../../coordinator/model/training.ts'
import { dealt } from '../../quality/bench-data.ts'
import { publicEpsilon, variantOf } from '../../quality/noise-variants.ts'
import { openedSum, recordsOf } from '../../quality/pooled-training.ts'

/** Everybody answers every round, so that a sum differs from another in its noise alone. */
const blocks = {
  autoregressive: '{ name: autoregressive, hidden: 6, steps: 2, sampling_rate: 1 }',
  mixture: '{ name: mixture, components: 20, fit_steps: 10, residual_rounds: 1, steps: { marginals: 2, pairs: 1 } }',
  gan: '{ name: gan, draws: 32, latents: 3, hidden: 5, critic_hidden: 6, generator_steps: 4, steps: 2, sampling_rate: 1 }',
}

const manifestOf = (block: string): Manifest =>
  freezeStudy(
    parseStudy(
      `tributary: study/1
name: sums
purpose: test
source: { format: csv }
columns:
  - { name: a, kind: categorical, levels: [x, y, z] }
  - { name: b, kind: numeric, bins: [0, 1, 2, 3, 4, 5, 6, 7], maximum: 8 }
  - { name: c, kind: categorical, levels: [t, f] }
privacy: { unit: row, patient_key: who, most_rows_per_patient: 4, epsilon: 3, delta: 1.0e-5 }
family: ${block}
federation: { colluders: 1, noise_shares: 4 }
sites: [${['n', 'o', 'p', 'q', 'r'].map((site) => `{ name: ${site}, promised_patients: 100, promised_rows: 120 }`).join(', ')}]
`,
      'sums.yaml',
    ).draft,
  )

const rows = 600
const random = counterRandom(4, 1)
const cells = Uint16Array.from({ length: 3 * rows }, (_, i) =>
  Math.floor([3, 8, 2][i % 3]! * random.uniform(i, 0) ** 2),
)
const table = { cells, patients: Array.from({ length: rows }, (_, r) => `p${r % 500}`) }

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
})

describe.each(Object.entries(blocks))('%s: what the bench adds up is what five hospitals add up', (_, block) => {
  it('in every query the same mean, and noise of the same deviation, that of the plan', async () => {
    const manifest = manifestOf(block)
    const [bench, hospitals] = [variantOf(manifest, 1), variantOf(manifest, 5)]
    expect(publicEpsilon(bench) / publicEpsilon(hospitals)).toBeCloseTo(1, 2)
    const one = [recordsOf(table, manifest)]
    const five = dealt(table, 5, 1).map((part) => recordsOf(part, manifest))
    const queries = queriesOf(manifest.plan)
    const facts = queryFactsOf(manifest)
    let training = Training.initial(manifest, 1)
    for (const [q, query] of queries.entries()) {
      const parametersAt = (step: number) => decodeParameters(training.parameters(step, manifest), facts[q]!.announced)
      const first = totalSteps(queries.slice(0, q))
      const parameters = parametersAt(first)
      const turns = Math.ceil(600 / query.dimension)
      // Five hospitals with noise for four: a quarter more variance than the plan needs, in both.
      const deviation = query.noiseMultiplier * query.clipNorm * Math.sqrt(5 / 4)
      const means = new Float64Array(query.dimension)
      let squares = 0
      for (let turn = 0; turn < turns; turn++) {
        const [own, theirs] = [
          await openedSum(bench, q, one, parameters, engine),
          await openedSum(hospitals, q, five, parameters, engine),
        ]
        own.forEach((value, i) => {
          const gap = (value - theirs[i]!) / (deviation * Math.SQRT2)
          means[i]! += gap / Math.sqrt(turns)
          squares += gap * gap
        })
      }
      const values = turns * query.dimension
      expect(Math.abs(squares / values - 1), query.kind).toBeLessThan(6 * Math.sqrt(2 / values))
      expect(Math.max(...means.map(Math.abs)), query.kind).toBeLessThan(6)
      for (let step = first; step < first + query.steps; step++) {
        const values = await openedSum(bench, q, one, parametersAt(step), engine)
        training = await training.after(step, { values, shares: five.length, part: 1 }, manifest)
      }
    }
    expect((await training.finish()).release().family).toBe(manifest.family.name)
  })
})
