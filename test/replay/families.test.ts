import { fc, test as property } from '@fast-check/vitest'
import { slackOf } from '@tributary/shared/dp/slack'
import { freezeStudy, type Manifest } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { familyOf } from '@tributary/shared/synthesizers/families'
import { ganSchema } from '@tributary/shared/synthesizers/gan/schema'
import { mixtureSchema } from '@tributary/shared/synthesizers/mixture/schema'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { noiseTraining } from '../harness/family-contract.ts'
import { distanceOf, type Neighbours, promised, replayed, replayStudy } from './neighbours.ts'

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
})

/** The study of the replay with another family; sums are not folded, so that distances can be read. */
const studyWith = (family: Manifest['family']): Manifest => {
  const { plan: _, ...draft } = structuredClone(replayStudy())
  const manifest = freezeStudy({ ...draft, family })
  for (const { grid } of manifest.plan.queries) grid.fold_bits = 0
  return manifest
}

const row = fc.tuple(fc.nat(2), fc.nat(4))
const unit = fc.oneof(fc.array(row, { minLength: 1, maxLength: 3 }), fc.array(row, { minLength: 1, maxLength: 60 }))
const fewUnits = fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { maxLength: promised - 1 })
const neighbours: fc.Arbitrary<Neighbours> = fc.record({ units: fewUnits, patient: unit, at: fc.nat(promised) })

const gan = { name: 'gan', hidden: 4, critic_hidden: 4, critic_learning_rate: 1, most_levels: 3, steps: 3 } as const

describe.each<[string, Manifest['family']]>([
  ['mixture', mixtureSchema.parse({ name: 'mixture', most_groups: 3 })],
  ['gan by every patient', ganSchema.parse({ ...gan, sampling_rate: 1 })],
  ['gan by a part of them', ganSchema.parse({ ...gan, sampling_rate: 0.3 })],
])('R10 R12 replay of a %s on neighbouring tables, everything but one patient the same', (_, family) => {
  const manifest = studyWith(family)
  const queries = queriesOf(manifest.plan)
  const largest = queries.map(() => 0)
  let announced: Float32Array[]
  beforeAll(async () => {
    announced = (await noiseTraining(familyOf(manifest.family.name), manifest, 3)).before
  })

  property.prop([neighbours, fc.nat(queries.length - 1), fc.nat(), fc.boolean()], { numRuns: 100 })(
    'no distance above the declared sensitivity, and nothing else that differs',
    async (tables, queryIndex, seed, isHeads) => {
      const query = queries[queryIndex]!
      const isDrawn = isHeads || query.samplingRate === 1
      const replay = { manifest, queryIndex, engine, parameters: announced[queryIndex]!, seed, isDrawn }
      const both = await replayed(executeQuery, tables, replay)
      const distance = distanceOf(both, replay)
      expect(distance).toBeLessThanOrEqual(1 + slackOf(query))
      largest[queryIndex] = Math.max(largest[queryIndex]!, distance)
      expect(both[1].trace).toEqual(both[0].trace)
      if (!isDrawn) expect(distance).toBe(0)
    },
  )

  it('the bound is not vacuous: some patient of those above came close to it, in every query', () => {
    for (const distance of largest) expect(distance).toBeGreaterThan(0.5)
  })
})
