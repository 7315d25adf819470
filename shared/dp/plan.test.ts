import { readFileSync } from 'node:fs'
import { test } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { modulusOf } from '../he/residues.ts'
import { checkLayout } from '../he/slots.ts'
import { federationOf } from '../study/federation.ts'
import { pathText } from '../study/finding.ts'
import { freezeStudy, manifestOf, parseStudy } from '../study/manifest.ts'
import { plannedQuery, queriesOf } from '../study/plan-block.ts'
import { slotLayoutOf } from '../study/slot-layout.ts'
import type { Manifest } from '../study/study-schema.ts'
import { delta } from '../units.ts'
import { epsilonPld } from './accountant.ts'
import { foldedShareOf } from './fold.ts'
import { noiseTable } from './noise-table.ts'
import { checkPlan, pricePlan } from './plan.ts'
import { planQueries } from './plan-queries.ts'
import { effectiveMultiplier, largestClamp, sensitivityOf, slackOf, slotsFit } from './slack.ts'

const sample = (name: string) => {
  const text = readFileSync(new URL(`../../deploy/samples/studies/${name}.yaml`, import.meta.url), 'utf8')
  return manifestOf(parseStudy(text, name).draft)
}
const honest = sample('heart4')

type Path = readonly (string | number)[]
/** A copy with the value at `path` replaced by a function of it. */
const changed = (manifest: Manifest, path: Path, change: (value: number) => number): Manifest => {
  const copy = structuredClone(manifest)
  let node = copy as unknown as Record<string | number, unknown>
  for (const part of path.slice(0, -1)) node = node[part] as Record<string | number, unknown>
  const last = path.at(-1) ?? ''
  expect(node).toHaveProperty([last])
  node[last] = change(node[last] as number)
  return copy
}
const refusals = (manifest: Manifest) => checkPlan(manifest).map(({ path }) => pathText(path))

describe('planQueries', () => {
  it('spends the promised epsilon and no more, all attempts counted (R6)', () => {
    for (const name of ['heart4', 'diabetes5-patient', 'diabetes5-row']) {
      const manifest = sample(name)
      const spent = pricePlan(manifest).epsilon.target.epsilon
      expect(spent).toBeLessThanOrEqual(manifest.privacy.epsilon)
      expect(spent).toBeGreaterThan(0.998 * manifest.privacy.epsilon)
    }
  })

  it('is the same on both sides', () => {
    const { plan, ...draft } = honest
    expect(freezeStudy(draft).plan).toEqual(plan)
  })

  it('R13 plan: sizes the grid: slack within its limits, a share of at least 64 steps, slots that hold every site', () => {
    for (const name of ['heart4', 'diabetes5-patient', 'diabetes5-row']) {
      const manifest = sample(name)
      const [marginals, gradient] = queriesOf(manifest.plan)
      expect(slackOf(marginals!)).toBeLessThanOrEqual(0.001)
      expect(slackOf(gradient!)).toBeLessThanOrEqual(0.001)
      expect([marginals!.grid.valuesPerCoefficient, gradient!.grid.valuesPerCoefficient]).toEqual([1, 3])
      expect(marginals!.grid.foldBits).toBe(0)
      for (const { grid } of [marginals!, gradient!]) {
        expect(foldedShareOf(grid)).toBeGreaterThanOrEqual(64)
        expect(grid.clamp + grid.noiseBound).toBeLessThan(2 ** 52)
        expect(slotsFit(manifest.sites.length, grid)).toBe(true)
        expect(slotsFit(manifest.sites.length, { ...grid, clamp: grid.clamp + 1 })).toBe(false)
      }
    }
  })

  it('pays for a share with the noise multiplier: sigma C over the root of the shares', () => {
    for (const query of queriesOf(honest.plan)) {
      const planned = (query.noiseMultiplier * query.clipNorm) / Math.sqrt(honest.federation.noise_shares)
      expect((query.grid.shareSteps * query.grid.step) / planned).toBeCloseTo(1, 9)
    }
  })

  it.each([
    [4, 3],
    [8, 3],
    [30, 2],
    [64, 2],
  ])(
    'R13 plan: %i hospitals put %i gradient values in a coefficient, the most that leave room to clamp',
    (sites, values) => {
      const { plan, ...draft } = honest
      const promised = Math.floor(910 / sites)
      const many = Array.from({ length: sites }, (_, i) => ({
        name: `site-${i}`,
        promised_patients: promised,
        promised_rows: promised,
      }))
      const { federation } = draft
      const queries = planQueries({ ...draft, sites: many, federation: { ...federation, least_contributors: sites } })
      const gradient = queries.find(({ kind }) => kind === 'gradient')!
      const { grid } = gradient
      expect(grid.valuesPerCoefficient).toBe(values)
      expect(foldedShareOf(grid)).toBeGreaterThanOrEqual(64)
      expect(foldedShareOf(grid)).toBeLessThan(128)
      expect(slackOf(gradient)).toBeLessThanOrEqual(0.001)
      expect(grid.clamp).toBeGreaterThanOrEqual(16 * grid.shareSteps)
      expect(grid.clamp * grid.step).toBeGreaterThanOrEqual(16 * plan.queries[1]!.clip_norm)
      checkLayout(modulusOf(288230376151130113n), slotLayoutOf(gradient, sites))
    },
  )

  it('gives slots that open exactly under the modulus', () => {
    for (const name of ['heart4', 'diabetes5-patient', 'diabetes5-row']) {
      const manifest = sample(name)
      for (const query of queriesOf(manifest.plan))
        checkLayout(modulusOf(288230376151130113n), slotLayoutOf(query, manifest.sites.length))
    }
  })

  it('divides by promised units, by patients or by rows as the unit says (R19)', () => {
    expect(queriesOf(sample('diabetes5-row').plan).map(({ divisor }) => divisor)).toEqual([81_200, 4060])
    expect(queriesOf(sample('diabetes5-patient').plan).map(({ divisor }) => divisor)).toEqual([57_000, 5700])
  })

  it('refuses a delta that the noise sampler alone would use up (R20)', () => {
    const { plan, ...draft } = honest
    expect(plan.queries).toHaveLength(2)
    const tiny = { ...draft, privacy: { ...draft.privacy, delta: 1e-13 } }
    expect(() => freezeStudy(tiny)).toThrow(/privacy\.delta: the noise sampler/)
  })
})

describe('pricePlan', () => {
  const price = pricePlan(honest)

  it('shows the public less than a peer, and a peer less than colluders (R8)', () => {
    const { byColluders } = price.epsilon
    expect(price.epsilon.public.epsilon).toBeLessThan(price.epsilon.peer.epsilon)
    expect(byColluders[0]).toEqual(price.epsilon.public)
    expect(byColluders[1]).toEqual(price.epsilon.peer)
    for (let k = 1; k < byColluders.length; k++)
      expect(byColluders[k]!.epsilon).toBeGreaterThanOrEqual(byColluders[k - 1]!.epsilon)
  })

  it('keeps the promise to a peer by default, and to the public only when all shares are counted (R8)', () => {
    const patient = pricePlan(sample('diabetes5-patient')).epsilon
    expect(patient.peer).toEqual(patient.target)
    const row = pricePlan(sample('diabetes5-row')).epsilon
    expect(row.public).toEqual(row.target)
    expect(row.peer.epsilon).toBeGreaterThan(3.4)
    expect(row.peer.epsilon).toBeLessThan(3.7)
  })

  it('drops to one share from the number of colluders that can isolate a site (R7)', () => {
    const all = pricePlan(sample('diabetes5-row'))
    expect(all.contributors).toEqual({ sites: 5, holders: 5, least: 5, mostAbsent: 1, threshold: 3, isolation: 3 })
    expect(all.epsilon.byColluders[3]!.epsilon).toBeGreaterThan(12)
    const some = structuredClone(sample('diabetes5-row'))
    some.federation.least_contributors = 4
    some.federation.noise_shares = 3
    const early = pricePlan(some)
    expect(early.contributors.isolation).toBe(1)
    expect(early.epsilon.byColluders[1]).toEqual(early.epsilon.byColluders[4])
  })

  it('R7 beyond 20 sites the threshold and the isolation count the committee, with the full c', () => {
    const sites = Array.from({ length: 24 }, (_, i) => ({
      name: `site-${i}`,
      promised_patients: 40,
      promised_rows: 40,
    }))
    const { plan: _, ...facts } = honest
    const federation = federationOf({ sites, federation: { colluders: 2, committee: 13 } })
    const draft = { ...facts, sites, federation }
    const manifest = manifestOf({ ...draft, plan: { threshold: 8, queries: planQueries(draft).map(plannedQuery) } })
    const { contributors, bytes, adversaryTable } = pricePlan(manifest)
    expect(contributors).toEqual({ sites: 24, holders: 13, least: 20, mostAbsent: 5, threshold: 8, isolation: 3 })
    expect(adversaryTable.find(({ who, isolates }) => who === 'coalition' && isolates)?.hospitals).toBe(3)
    // Thirteen boxes of some 31 kB, not twenty-four.
    expect(bytes.perRound).toBeLessThan(600_000)
    expect(refusals(manifest)).toEqual([])
    expect(refusals(changed(manifest, ['plan', 'threshold'], () => 14))).toEqual(['plan.threshold'])
    const without = { ...manifest, federation: federationOf({ sites: honest.sites, federation: {} }) }
    expect(refusals(without)).toContain('federation.committee')
    const small = { ...honest, federation: { ...honest.federation, committee: 12 } }
    expect(refusals(small)).toContain('federation.committee')
    const many = { ...manifest, federation: { ...federation, colluders: 13, least_contributors: 24 } }
    expect(refusals(many)).toContain('federation.colluders')
  })

  it('charges the patient ledger the peer view, at the most rows a patient has (R17)', () => {
    const row = pricePlan(sample('diabetes5-row'))
    expect(row.ledger.recordsPerUnit).toBe(40)
    expect(row.ledger.phases.map(({ recordsPerUnit, steps }) => [recordsPerUnit, steps])).toEqual([
      [40, 2],
      [40, 306],
    ])
    expect(row.ledger.epsilon).toBeGreaterThan(row.epsilon.patient!.epsilon)
    expect(row.epsilon.patient!.epsilon).toBeGreaterThan(100)
    const patient = pricePlan(sample('diabetes5-patient'))
    expect(patient.epsilon.patient).toBeNull()
    expect(patient.ledger.epsilon).toBe(patient.epsilon.peer.epsilon)
  })

  it('prices a person in several hospitals by the group bound, not by k times epsilon (R9)', () => {
    const { perHospitals, public: once } = pricePlan(sample('diabetes5-row')).epsilon
    expect(perHospitals.map(({ hospitals }) => hospitals)).toEqual([2, 3, 4, 5])
    for (const { hospitals, epsilon } of perHospitals) expect(epsilon).toBeGreaterThan(hospitals * once.epsilon)
  })

  it('keeps back the sampler part of delta (R20)', () => {
    const gradient = queriesOf(honest.plan)[1]!
    const marginals = queriesOf(honest.plan)[0]!
    const phases = [marginals, gradient].map((query) => ({
      noiseMultiplier: effectiveMultiplier(query, 3, 3) as never,
      samplingRate: query.samplingRate,
      steps: query.attempts,
    }))
    const reserve = honest.privacy.delta / 1024
    expect((1 + Math.exp(price.epsilon.target.epsilon)) * price.distance).toBeLessThan(reserve)
    expect(price.epsilon.target).toEqual({
      epsilon: epsilonPld(phases, delta(honest.privacy.delta - reserve)),
      idealNoise: false,
    })
  })

  it('says so where the sampler would use up delta', () => {
    expect(pricePlan(sample('diabetes5-row')).ledger.idealNoise).toBe(true)
    expect(pricePlan(sample('diabetes5-row')).epsilon.peer.idealNoise).toBe(false)
  })

  it('counts what a site sends', () => {
    const { bytes, queries, rounds } = pricePlan(sample('diabetes5-row'))
    expect(queries.map(({ ringBlocks }) => ringBlocks)).toEqual([1, 4])
    expect(queries[1]!.bytesPerContribution).toBe((4 * 4_096 * 58) / 8 + 16)
    expect(bytes.bytesPerParameter).toBeLessThan(3.5)
    expect(rounds).toEqual({ steps: 301, attempts: 308 })
  })

  it('flags a delta above 1 / (10 N) (R20)', () => {
    expect(pricePlan(sample('diabetes5-row')).deltaFlag).toBe(true)
    expect(pricePlan(sample('diabetes5-patient')).deltaFlag).toBe(false)
  })
})

describe('checkPlan', () => {
  const gradient = ['plan', 'queries', 1]

  it('admits what the planner made', () => {
    expect(checkPlan(honest)).toEqual([])
  })

  it('admits more noise than needed', () => {
    const more = changed(honest, [...gradient, 'noise_multiplier'], (sigma) => 1.1 * sigma)
    const wider = changed(more, [...gradient, 'grid', 'step'], (step) => 1.1 * step)
    expect(refusals(wider)).toEqual([])
  })

  it.each<[string, Path, (value: number) => number, string]>([
    ['noise lowered', [...gradient, 'noise_multiplier'], (v) => 0.9 * v, 'plan.queries[1].grid.step'],
    ['attempts raised', [...gradient, 'attempts'], (v) => v + 100, 'plan.queries[1].attempts'],
    ['marginals asked again', ['plan', 'queries', 0, 'attempts'], (v) => v + 1, 'plan.queries[0].attempts'],
    ['steps raised', [...gradient, 'steps'], (v) => v + 1, 'plan.queries[1].steps'],
    ['grid step doubled', [...gradient, 'grid', 'step'], (v) => 2 * v, 'plan.queries[1].grid.step'],
    ['clip norm raised', [...gradient, 'clip_norm'], (v) => 2 * v, 'plan.queries[1].clip_norm'],
    ['marginals clip norm lowered', ['plan', 'queries', 0, 'clip_norm'], () => 1, 'plan.queries[0].clip_norm'],
    ['folded too deep', [...gradient, 'grid', 'fold_bits'], (v) => v + 1, 'plan.queries[1].grid.fold_bits'],
    ['folded less than the slots hold', [...gradient, 'grid', 'fold_bits'], (v) => v - 1, 'plan.queries[1].grid.clamp'],
    [
      'fewer values than the slots are for',
      [...gradient, 'grid', 'values_per_coefficient'],
      () => 2,
      'plan.queries[1].grid.slot_bits',
    ],
    ['slot narrowed', [...gradient, 'grid', 'slot_bits'], (v) => v - 4, 'plan.queries[1].grid.slot_bits'],
    ['slot widened', [...gradient, 'grid', 'slot_bits'], (v) => v + 1, 'plan.queries[1].grid.slot_bits'],
    ['scale too small', [...gradient, 'grid', 'scale_bits'], (v) => v - 1, 'plan.queries[1].grid.scale_bits'],
    ['clamp overflows', [...gradient, 'grid', 'clamp'], (v) => v + 1, 'plan.queries[1].grid.clamp'],
    ['clamp eats the sum', [...gradient, 'grid', 'clamp'], () => 1000, 'plan.queries[1].grid.clamp'],
    ['clamp eats the counts', ['plan', 'queries', 0, 'grid', 'clamp'], () => 100_000, 'plan.queries[0].grid.clamp'],
    [
      'numbers too large to be exact',
      ['plan', 'queries', 0, 'grid', 'clamp'],
      () => 2 ** 52,
      'plan.queries[0].grid.clamp',
    ],
    ['noise share too narrow', [...gradient, 'grid', 'share_steps'], () => 32, 'plan.queries[1].grid.share_steps'],
    ['no such noise table', [...gradient, 'grid', 'share_steps'], (v) => v + 1 / 3, 'plan.queries[1].grid.share_steps'],
    ['noise bound cut', [...gradient, 'grid', 'noise_bound'], (v) => v - 1, 'plan.queries[1].grid.noise_bound'],
    ['sampling rate raised', [...gradient, 'sampling_rate'], () => 0.9, 'plan.queries[1].sampling_rate'],
    ['divisor changed', [...gradient, 'divisor'], (v) => v / 2, 'plan.queries[1].divisor'],
    ['dimension changed', [...gradient, 'dimension'], (v) => v + 1, 'plan.queries[1].dimension'],
    ['threshold lowered', ['plan', 'threshold'], (v) => v - 1, 'plan.threshold'],
    ['epsilon lowered after the fact', ['privacy', 'epsilon'], () => 0.9, 'plan.queries[1].noise_multiplier'],
    ['delta lowered after the fact', ['privacy', 'delta'], () => 1e-7, 'plan.queries[1].noise_multiplier'],
    ['more noise shares counted', ['federation', 'noise_shares'], (v) => v + 1, 'plan.queries[1].grid.step'],
    ['too few contributors', ['federation', 'least_contributors'], () => 2, 'federation.least_contributors'],
    ['promised rows changed', ['sites', 0, 'promised_rows'], (v) => v + 5, 'plan.queries[0].divisor'],
    ['rate raised in the family too', ['family', 'sampling_rate'], () => 0.9, 'plan.queries[1].sampling_rate'],
  ])('refuses a plan that cheats: %s', (_, path, change, line) => {
    expect(refusals(changed(honest, path, change))).toContain(line)
  })

  it('R7 mixed sets: refuses a plan that may leave out more than a quarter of those who do not collude, by the least that may', () => {
    const of = (least: number, colluders: number, shares = 3) => {
      const federation = { least_contributors: least, colluders, noise_shares: shares }
      return checkPlan({ ...sample('diabetes5-row'), federation }).filter(({ path }) => path[0] === 'federation')
    }
    const refusal = (message: string) => [
      { code: 'PLAN_REFUSED', path: ['federation', 'least_contributors'], message: expect.stringContaining(message) },
    ]
    expect(of(3, 0)).toEqual(refusal('of 5 sites, 0 of them colluding, at least 4 must contribute'))
    expect(of(4, 2)).toEqual(refusal('of 5 sites, 2 of them colluding, at least 5 must contribute'))
    for (const allowed of [of(4, 0), of(4, 1), of(5, 2)]) expect(allowed).toEqual([])
  })

  it.each(['heart4', 'diabetes5-patient', 'diabetes5-row'])(
    'tells a price above the promise as above it: %s',
    (name) => {
      const manifest = sample(name)
      const spent = pricePlan(manifest).epsilon.target.epsilon
      const [finding] = checkPlan(changed(manifest, ['privacy', 'epsilon'], () => spent * (1 - 1e-9)))
      const [, costs, promised] =
        /costs epsilon (\S+), more than the promised (\S+)$/.exec(finding?.message ?? '') ?? []
      expect(Number(costs)).toBeGreaterThanOrEqual(spent)
      expect(Number(promised)).toBeLessThan(spent)
    },
  )

  it('refuses lowered noise even when grid and noise agree', () => {
    const less = changed(honest, [...gradient, 'noise_multiplier'], (sigma) => 0.99 * sigma)
    expect(refusals(changed(less, [...gradient, 'grid', 'step'], (step) => 0.99 * step))).toEqual([
      'plan.queries[1].noise_multiplier',
    ])
  })

  it('refuses a consistent plan with more attempts than it pays for', () => {
    const more = changed(honest, ['family', 'spares', 'gradient'], (spares) => spares + 20)
    expect(refusals(changed(more, [...gradient, 'attempts'], (n) => n + 20))).toEqual([
      'plan.queries[1].noise_multiplier',
    ])
  })

  it('refuses a coarse grid whose rounding outweighs its slack, though all else agrees (R13)', () => {
    const { share_steps: steps, step } = honest.plan.queries[1]!.grid
    const coarse = structuredClone(honest)
    // As without a fold: the same wire grid, a clamp that fits, noise to the table's width; rounding alone is too coarse.
    const { foldBits, shareSteps } = { foldBits: honest.plan.queries[1]!.grid.fold_bits, shareSteps: steps }
    coarse.plan.queries[1]!.grid.share_steps = shareSteps / 2
    coarse.plan.queries[1]!.grid.noise_bound = noiseTable(shareSteps / 2).noiseBound
    coarse.plan.queries[1]!.grid.fold_bits = foldBits - 1
    coarse.plan.queries[1]!.grid.clamp = Math.floor(honest.plan.queries[1]!.grid.clamp / 2)
    coarse.plan.queries[1]!.grid.step = 2 * step
    expect(refusals(coarse)).toEqual(['plan.queries[1].grid.step'])
  })

  it('refuses other queries', () => {
    const twice = structuredClone(honest)
    twice.plan.queries.push(twice.plan.queries[0]!)
    expect(refusals(twice)).toEqual(['plan.queries'])
  })
})

describe('slack', () => {
  const query = queriesOf(honest.plan)[1]!

  it('adds gamma sqrt(dimension) to the clip norm and takes it from the multiplier', () => {
    expect(sensitivityOf(query)).toBeCloseTo(query.clipNorm + query.grid.step * Math.sqrt(query.dimension), 12)
    const { shareSteps } = query.grid
    const planned = query.noiseMultiplier * query.clipNorm * Math.sqrt(1 - 4 / (3 * shareSteps ** 2))
    expect(effectiveMultiplier(query, 3, 3) * sensitivityOf(query)).toBeCloseTo(planned, 12)
    expect(effectiveMultiplier(query, 1, 4)).toBeCloseTo(effectiveMultiplier(query, 4, 4) / 2, 9)
  })

  test.prop([
    fc.array(fc.tuple(fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 60,
    }),
    fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 60, maxLength: 60 }),
    fc.integer({ min: 1, max: 60 }),
  ])('covers neighbours after rounding by the same bits and saturation', (pairs, bits, clamp) => {
    const round = (x: number, i: number) => Math.min(clamp, Math.max(-clamp, Math.floor(x + bits[i]!)))
    const moved = Math.hypot(...pairs.map(([x, d], i) => round(x + d, i) - round(x, i)))
    const apart = Math.hypot(...pairs.map(([x, d]) => x + d - x))
    expect(moved).toBeLessThanOrEqual(apart + Math.sqrt(pairs.length) + 1e-9)
  })

  test.prop([
    fc.integer({ min: 2, max: 64 }),
    fc.integer({ min: 15, max: 49 }),
    fc.integer({ min: 1, max: 400 }),
    fc.integer({ min: 0, max: 20 }),
  ])('the largest clamp is the largest', (sites, slotBits, noiseBound, foldBits) => {
    const clamp = largestClamp(sites, slotBits, noiseBound, foldBits)
    expect(slotsFit(sites, { ...query.grid, slotBits, noiseBound, foldBits, clamp })).toBe(true)
    expect(slotsFit(sites, { ...query.grid, slotBits, noiseBound, foldBits, clamp: clamp + 1 })).toBe(false)
  })
})
