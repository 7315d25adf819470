import { freezeStudy } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { studyMixtureOf } from '@tributary/shared/synthesizers/mixture/study-mixture'
import { decodeState } from '@tributary/shared/synthesizers/mixture/training-state'
import { expect, test } from 'vitest'
import { smallStudy } from '../../test/harness/family-contract.ts'
import { sharesIn } from '@tributary/shared/study/sum-shares'
import type { NoisySum } from '../aggregate/noisy-sum.ts'
import { Training } from './training.ts'

const manifest = freezeStudy(smallStudy('mixture', 3))
const names = manifest.sites.map(({ name }) => name)
const query = queriesOf(manifest.plan)[0]!
const counts = Float64Array.from({ length: query.dimension }, (_, i) => 40 + i)

/** Counts of units and the deviation of their noise, as the family has them after one release of marginals. */
const seen = async (sum: NoisySum) => {
  const training = await Training.initial(manifest, 1).after(0, sum, manifest)
  const { marginals, marginalPrecision } = decodeState(studyMixtureOf(manifest), training.encode())
  return { counts: marginals.map((value) => value / marginalPrecision), noise: marginalPrecision ** -0.5 }
}

test('a family is told the noise of all shares that came, not of those alone that the plan counts on', async () => {
  expect(names.length).toBeGreaterThan(manifest.federation.noise_shares)
  const all = sharesIn(manifest, names)
  expect(all).toEqual({ shares: names.length, part: 1 })
  const { noise } = await seen({ values: counts, ...all })
  const each = (query.noiseMultiplier * query.clipNorm) / Math.sqrt(manifest.federation.noise_shares)
  expect(noise / (each * Math.sqrt(names.length))).toBeCloseTo(1, 12)
})

test('a sum without a site counts as one of all, by what the sites promised, and its noise with it', async () => {
  const some = sharesIn(manifest, names.slice(1))
  const promised = manifest.sites.map((site) => site.promised_rows)
  const whole = promised.reduce((a, b) => a + b, 0)
  expect(some).toEqual({ shares: names.length - 1, part: (whole - promised[0]!) / whole })
  const all = await seen({ values: counts, ...sharesIn(manifest, names) })
  const found = await seen({ values: counts.map((value) => value * some.part), ...some })
  found.counts.forEach((count, i) => expect(count).toBeCloseTo(counts[i]!, 8))
  expect(found.noise / all.noise).toBeCloseTo(Math.sqrt(some.shares / names.length) / some.part, 12)
})
