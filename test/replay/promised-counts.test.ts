import { fc, test as property } from '@fast-check/vitest'
import { batchCapacity } from '@tributary/shared/dp/batch-capacity'
import { checkPlan } from '@tributary/shared/dp/plan'
import { pathText } from '@tributary/shared/study/finding'
import { freezeStudy, type Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, expect, test } from 'vitest'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { promised, replayed, replayStudy, type Unit } from './neighbours.ts'

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
})
const study = replayStudy()
const withPromise = (patients: number): Manifest => {
  const { plan: _, ...draft } = structuredClone(study)
  for (const site of draft.sites) Object.assign(site, { promised_patients: patients, promised_rows: 4 * patients })
  return freezeStudy({ ...draft, privacy: { ...draft.privacy, delta: 1e-6 } })
}

test('R19 plan: the divisor is the public rate times the promised patients, and follows nothing else', () => {
  for (const patients of [60, 600]) {
    const [marginals, gradient] = queriesOf(withPromise(patients).plan)
    expect([marginals!.divisor, gradient!.divisor]).toEqual([3 * patients, 0.2 * (3 * patients)])
    expect([marginals!.samplingRate, gradient!.samplingRate]).toEqual([1, 0.2])
  }
})

test.each<[string, (query: Manifest['plan']['queries'][number]) => void]>([
  ['divisor', (query) => (query.divisor *= 0.97)],
  ['sampling_rate', (query) => (query.sampling_rate *= 0.97)],
  ['dimension', (query) => (query.dimension -= 1)],
])('R19 plan: a %s that the promises do not give is refused', (field, change) => {
  const manifest = withPromise(600)
  expect(checkPlan(manifest)).toEqual([])
  change(manifest.plan.queries[1]!)
  expect(checkPlan(manifest).map(({ path }) => pathText(path))).toContain(`plan.queries[1].${field}`)
})

property.prop([fc.nat(promised - 1), fc.nat()], { numRuns: 20 })(
  'R19 work: coins thrown, rows worked on and numbers sent are those of the promise, whatever the table holds',
  async (patients, seed) => {
    const units = Array.from({ length: patients }, (_, i): Unit => [[i % 2, i % 4]])
    const query = queriesOf(study.plan)[1]!
    const parameters = new Float32Array(networkOfStudy(study).dimension)
    const replay = { manifest: study, queryIndex: 1, engine, parameters, seed, isDrawn: true }
    const capacity = batchCapacity(query, queriesOf(study.plan), study, promised)
    const network = networkOfStudy(study)
    for (const { trace } of await replayed(executeQuery, { units, patient: [[0, 0]], at: 0 }, replay)) {
      expect(trace).toContain(`sampling ${8 * promised} bytes`)
      // 8 for the choice of a row, 12 for its place in the batch.
      expect(trace).toContain(`record ${20 * capacity} bytes`)
      expect(trace).toContain(`matrix ${capacity} x ${network.hidden} of ${capacity * network.hidden}`)
      expect(trace.at(-1)).toBe(`gradient of ${query.dimension}, ${query.dimension} integers`)
    }
  },
)

test.each([
  [61, 75],
  [75, 75],
  [76, 94],
])('R10 R19 work: %i patients where 60 are promised get coins and a batch for %i', async (patients, rung) => {
  const units = Array.from({ length: patients - 1 }, (_, i): Unit => [[i % 2, i % 4]])
  const query = queriesOf(study.plan)[1]!
  const parameters = new Float32Array(networkOfStudy(study).dimension)
  const replay = { manifest: study, queryIndex: 1, engine, parameters, seed: 1, isDrawn: true }
  const [, { trace }] = await replayed(executeQuery, { units, patient: [[0, 0]], at: 0 }, replay)
  expect(promised).toBe(60)
  expect(trace).toContain(`sampling ${8 * rung} bytes`)
  const capacity = batchCapacity(query, queriesOf(study.plan), study, rung)
  expect(capacity).toBeGreaterThan(batchCapacity(query, queriesOf(study.plan), study, promised))
  expect(trace.join()).toContain(`matrix ${capacity} x `)
})
