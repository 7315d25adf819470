import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fewestContributors, threshold } from '../he/thresholds.ts'
import { manifestOf, parseStudy } from '../study/manifest.ts'
import { queriesOf } from '../study/plan-block.ts'
import type { Manifest } from '../study/study-schema.ts'
import { delta, noiseMultiplier, samplingRate } from '../units.ts'
import { epsilonPld } from './accountant.ts'
import { adversariesOf, adversaryTable, type FederationRule, groupsOf } from './adversary-table.ts'
import { truncationCharge } from './batch-capacity.ts'
import { samplerReserve } from './plan-queries.ts'
import { pricePlan } from './plan.ts'

/** GUARANTEE.md's plan: q = 0.05, T = 300, delta = 1e-5, sigma 1.464 for epsilon 3, noise sized for h shares. */
const epsilonOf = (missed: number, sizedFor: number, records = 1): number =>
  epsilonPld(
    [
      {
        noiseMultiplier: noiseMultiplier(1.464 * Math.sqrt(missed / sizedFor)),
        samplingRate: samplingRate(0.05),
        steps: 300,
        recordsPerUnit: records,
      },
    ],
    delta(1e-5),
  )
const central = (sites: number): FederationRule => ({
  sites,
  holders: sites,
  least: sites,
  threshold: threshold(sites, 0),
  colluders: 0,
})
const tableOf = (rule: FederationRule, sizedFor: number) =>
  adversaryTable('patient', rule, 1, (missed, records) => ({
    epsilon: epsilonOf(missed, sizedFor, records),
    idealNoise: false,
  }))
const epsilonsOf = (rule: FederationRule, sizedFor: number) =>
  Object.fromEntries(tableOf(rule, sizedFor).map(({ name, target, epsilon }) => [`${name}: ${target.name}`, epsilon]))

/**
 * What a coalition of share holders can really reach, by trying everything: every honest holder answers once for one set; a set
 * opens with t answers, the coalition's own among them. Given what is opened, all other data and the coalition's own noise, the victim's
 * vector is known up to noise of 1 / (a' cov^-1 a) shares.
 */
const reached = ({ sites, holders, least, threshold: t }: FederationRule, k: number): number => {
  if (k >= t) return 1 // t shares of the victim's own key
  const honest = sites - k // sites 0 .. honest - 1 are honest, 0 is the victim
  const honestMask = 2 ** honest - 1
  const size = (set: number) => set.toString(2).replaceAll('0', '').length
  const sets = Array.from({ length: 2 ** sites }, (_, set) => set).filter((set) => size(set) >= least)
  const together = Math.floor((holders - k) / Math.max(1, t - k)) // sets of one attempt that can be opened
  let fewest = Number.POSITIVE_INFINITY
  for (const one of sets) {
    const mine = one & honestMask
    if ((mine & 1) === 1) fewest = Math.min(fewest, size(mine))
    if (together < 2) continue
    for (const other of sets) {
      const theirs = other & honestMask
      const [p, q, c] = [size(mine), size(theirs), size(mine & theirs)]
      const [a, b] = [mine & 1, theirs & 1]
      const determinant = p * q - c * c
      if (determinant > 0) fewest = Math.min(fewest, determinant / (a * a * q - 2 * a * b * c + b * b * p))
    }
  }
  return fewest
}

/** Every rule of so many sites, of whom so many hold shares. */
const rulesOf = (sites: number, holders: number) =>
  Array.from({ length: holders - 2 }, (_, colluders) => colluders).flatMap((colluders) =>
    Array.from({ length: sites }, (_, i) => i + 1)
      .filter((least) => least >= fewestContributors(sites, colluders))
      .map((least): FederationRule => ({ sites, holders, least, threshold: threshold(holders, colluders), colluders })),
  )
const rules = [3, 4, 5, 6, 7, 8].flatMap((sites) => rulesOf(sites, sites))
/** The committee's rule is the same for any size; small ones can be tried out whole. */
const committees = [rulesOf(6, 4), rulesOf(7, 4), rulesOf(7, 5), rulesOf(8, 4), rulesOf(8, 5), rulesOf(8, 6)].flat()

describe('R7 coalitions', () => {
  it('R7 no coalition reaches less noise than its row says, and each row can be reached', () => {
    expect(rules.length).toBeGreaterThan(20)
    expect(committees.length).toBeGreaterThan(20)
    for (const rule of [...rules, ...committees])
      for (const { who, hospitals, missedShares, isolates } of adversariesOf(rule)) {
        if (who !== 'coordinator' && who !== 'coalition') continue
        const fewest = reached(rule, hospitals)
        expect({ rule, hospitals, missedShares }).toEqual({ rule, hospitals, missedShares: fewest })
        if (isolates) expect(fewest).toBe(1)
      }
  })

  it('R7 up to the colluders that a study expects, the coordinator isolates nobody', () => {
    for (const rule of [...rules, ...committees])
      for (const { who, hospitals, isolates, missedShares } of adversariesOf(rule))
        if (who === 'coordinator' || (who === 'coalition' && hospitals <= rule.colluders)) {
          expect(isolates).toBe(false)
          expect(missedShares).toBeGreaterThanOrEqual(2)
        }
  })

  it('R7 five hospitals, noise sized for five: 3.00, then 3.57 and more, 15.0 once a site is isolated', () => {
    const epsilons = epsilonsOf(central(5), 5)
    expect(epsilons['the coordinator: a patient of one hospital']).toBeCloseTo(2.998, 2)
    expect(epsilons['the coordinator and 1 hospital: a patient of one hospital']).toBeCloseTo(3.575, 2)
    expect(epsilons['the coordinator and 3 hospitals: a patient of one hospital']).toBeCloseTo(15.02, 1)
    expect(epsilons['the coordinator and 4 hospitals: a patient of one hospital']).toBeCloseTo(15.02, 1)
  })

  it('R7 where one of five may be away, one colluder isolates', () => {
    const rule = { ...central(5), least: 4 }
    const [first, ...more] = adversariesOf(rule).filter(({ who }) => who === 'coalition')
    expect(first).toMatchObject({ hospitals: 1, isolates: true, missedShares: 1 })
    expect(more.every(({ missedShares }) => missedShares === 1)).toBe(true)
  })
})

describe('R8 the public and another hospital', () => {
  it('R8 a peer of five has 3.58 where the public has 3.00, a peer of two 5.42', () => {
    const five = epsilonsOf(central(5), 5)
    expect(five['the public: a patient of one hospital']).toBeCloseTo(3.0, 2)
    expect(Math.abs(five['another hospital: a patient of one hospital']! - 3.58)).toBeLessThan(0.01)
    const two = epsilonsOf({ sites: 2, holders: 2, least: 2, threshold: 2, colluders: 0 }, 2)
    expect(Math.abs(two['another hospital: a patient of one hospital']! - 5.42)).toBeLessThan(0.01)
  })

  it('R8 noise sized for the least set less the expected colluders keeps the promise to them', () => {
    for (const rule of rules) {
      const sizedFor = rule.least - Math.max(rule.colluders, 1)
      const misses = (who: string, hospitals: number) =>
        adversariesOf(rule).find((row) => row.who === who && row.hospitals === hospitals)!.missedShares
      expect(misses('public', 0)).toBe(rule.least)
      expect(misses('hospital', Math.max(rule.colluders, 1))).toBe(sizedFor)
      if (rule.colluders > 0) expect(misses('coalition', rule.colluders)).toBe(sizedFor)
    }
  })
})

describe('R9 one person in several hospitals', () => {
  it('R9 group PLD at the same delta: 3.00 becomes 6.70, 10.9, 20.9 in 2, 3 and 5 hospitals', () => {
    const epsilons = epsilonsOf(central(5), 5)
    expect(Math.abs(epsilons['the public: a patient of 2 hospitals']! - 6.7)).toBeLessThan(0.01)
    expect(Math.abs(epsilons['the public: a patient of 3 hospitals']! - 10.95)).toBeLessThan(0.02)
    expect(Math.abs(epsilons['the public: a patient of 5 hospitals']! - 20.9)).toBeLessThan(0.05)
  })

  it('R9 every number of hospitals up to eight, and all of them', () => {
    const counts = (sites: number) => groupsOf('patient', { sites }, 1).map(({ hospitals }) => hospitals)
    expect(counts(5)).toEqual([2, 3, 4, 5])
    expect(counts(17)).toEqual([2, 3, 4, 5, 6, 7, 8, 17])
    expect(counts(64).at(-1)).toBe(64)
  })
})

describe('the table of a study', () => {
  const sample = (name: string): Manifest => {
    const text = readFileSync(new URL(`../../deploy/samples/studies/${name}.yaml`, import.meta.url), 'utf8')
    return manifestOf(parseStudy(text, name).draft)
  }
  /** By hand from the plan's figures, without rounding's slack: a little below what is charged. */
  const byHand = (manifest: Manifest, missed: number, records: number): number =>
    epsilonPld(
      queriesOf(manifest.plan).map(({ noiseMultiplier: sigma, samplingRate: rate, attempts }) => ({
        noiseMultiplier: noiseMultiplier(sigma * Math.sqrt(missed / manifest.federation.noise_shares)),
        samplingRate: rate,
        steps: attempts,
        recordsPerUnit: records,
      })),
      delta(manifest.privacy.delta),
    )

  it.each(['diabetes5-patient', 'diabetes5-row'])('R7 R8 R9 prices %s by the shares of its own plan', (name) => {
    const manifest = sample(name)
    const table = pricePlan(manifest).adversaryTable
    const [sites, least] = [manifest.sites.length, manifest.federation.least_contributors]
    const isMany = manifest.privacy.unit === 'row'
    expect(table).toHaveLength(3 + (sites - 1) + (isMany ? 1 : 0) + (sites - 1))
    for (const { who, hospitals, isolates, missedShares, target, epsilon, belief } of table) {
      expect(missedShares).toBe(isolates ? 1 : who === 'public' || who === 'coordinator' ? least : least - hospitals)
      if (epsilon > 60) continue
      const bound = byHand(manifest, missedShares, target.hospitals * target.recordsEach)
      expect(epsilon / bound).toBeGreaterThan(0.9995)
      expect(epsilon / bound).toBeLessThan(1.04)
      expect(belief.afterAtMost).toBeCloseTo(1 / (1 + Math.exp(-epsilon)), 12)
    }
  })

  it('R10 R20 what is kept back from delta covers the sampler and dropped draws, whichever is larger', () => {
    for (const manifest of [sample('diabetes5-patient'), sample('diabetes5-row'), sample('heart4')]) {
      const { privacy } = manifest
      const truncation = truncationCharge(privacy)
      for (const distance of [pricePlan(manifest).distance, (0.2 * privacy.delta) / Math.exp(privacy.epsilon)]) {
        const charge = (1 + Math.exp(privacy.epsilon)) * distance
        expect(samplerReserve(privacy, distance)).toBeGreaterThanOrEqual(charge + truncation)
      }
    }
  })

  it('refuses as a plan what has too little noise to be priced for a patient of so many rows', () => {
    const thin = structuredClone(sample('diabetes5-row'))
    thin.privacy.most_rows_per_patient = 1024
    for (const query of thin.plan.queries) query.noise_multiplier /= 4
    expect(() => pricePlan(thin)).toThrow(/privacy\.most_rows_per_patient: the noise is too little to be priced/)
  })

  it('agrees with the figures that are printed and charged', () => {
    const { epsilon, adversaryTable: table, ledger } = pricePlan(sample('diabetes5-patient'))
    const of = (who: string) => table.filter((row) => row.who === who && row.target.hospitals === 1)
    expect(of('public').map((row) => row.epsilon)).toEqual([epsilon.public.epsilon])
    expect(of('hospital').map((row) => row.epsilon)).toEqual([epsilon.peer.epsilon])
    expect(ledger.epsilon).toBe(epsilon.peer.epsilon)
    expect([...of('coordinator'), ...of('coalition')].map((row) => row.epsilon)).toEqual(
      epsilon.byColluders.map((view) => view.epsilon),
    )
  })

  it('R11 shown: the coordinator sees who took part, sizes and times; all figures assume the generator, its own encryption too', () => {
    for (const row of pricePlan(sample('heart4')).adversaryTable) {
      const holdsSealed = row.who === 'coordinator' || row.who === 'coalition'
      expect(row.assumes).toEqual(holdsSealed ? ['generator', 'encryption'] : ['generator'])
      if (row.who === 'coordinator') expect(row.knows).toMatch(/who took part, sizes, times/)
    }
  })
})
