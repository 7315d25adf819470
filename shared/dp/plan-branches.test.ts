import { beforeAll, describe, expect, it } from 'vitest'
import { pathText } from '../study/finding.ts'
import { freezeStudy, type Manifest, manifestHash, parseStudy } from '../study/manifest.ts'
import { queriesOf } from '../study/plan-block.ts'
import { studyReport } from '../study/study-report.ts'
import { delta, epsilon } from '../units.ts'
import { heldOutShare } from '../evaluation/held-out-share.ts'
import { priceOf } from './accountant.ts'
import { branchesOf, priceOfReserved, splitsOf } from './plan-branches.ts'
import { phasesOf } from './plan-queries.ts'
import { checkPlan, pricePlan } from './plan.ts'
import { renyiEpsilon } from './renyi-filter.ts'

const text = (evaluation: string, sites = 4) => `
tributary: study/1
name: branches
purpose: test
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [F, M] }
  - { name: age, kind: numeric, bins: [0, 30, 60], maximum: 120 }
privacy: { unit: patient, patient_key: who, epsilon: 2, delta: 1.0e-5 }
family: { name: autoregressive, hidden: 4, steps: 50, sampling_rate: 0.1, spares: { marginals: 1, gradient: 2 } }
${evaluation}
sites:
${Array.from({ length: sites }, (_, i) => `  - { name: site-${i}, promised_patients: 1000, promised_rows: 2000 }`).join('\n')}
`
const block = 'evaluation: { outcome: sex, positive: [M] }'
const study = (evaluation = block, sites = 4) => parseStudy(text(evaluation, sites), 'study.yaml').draft
const refusals = (manifest: Manifest) => checkPlan(manifest).map(({ path }) => pathText(path))
const parseRefusals = (evaluation: string) => {
  try {
    study(evaluation)
    return ''
  } catch (thrown) {
    return (thrown as Error).message
  }
}

describe('R22 plan: an evaluation asks other patients than training, and is priced so', () => {
  let manifest: Manifest
  beforeAll(() => {
    manifest = freezeStudy(study())
  })

  it('R22: one histogram of scores, of held-out patients, each worth at most 1, after training', () => {
    const [marginals, gradient, scores, ...more] = queriesOf(manifest.plan)
    expect(more).toEqual([])
    expect(scores).toMatchObject({ kind: 'scores', dimension: 32, clipNorm: 1, samplingRate: 1, steps: 1, attempts: 2 })
    expect(scores!.divisor).toBeCloseTo(4000 * heldOutShare, 9)
    expect(marginals!.divisor).toBeCloseTo(4000 * (1 - heldOutShare), 9)
    expect(gradient!.divisor).toBeCloseTo(0.1 * 4000 * (1 - heldOutShare), 9)
    expect(checkPlan(manifest)).toEqual([])
  })

  it('R22: `study show` prints the query, and whom it asks', () => {
    const shown = studyReport(manifest, manifestHash(manifest), pricePlan(manifest))
    expect(shown).toContain('query scores: 1 step, 2 attempts, sampling rate 1')
    expect(shown).toContain('10 % held out')
  })

  it('R22 price: the dearer of the two branches, each of which may cost all of epsilon; not their composition', () => {
    const queries = queriesOf(manifest.plan)
    const { training, heldOut } = branchesOf(queries)
    const shares = manifest.federation.noise_shares
    const { target, public: seen, peer } = pricePlan(manifest).epsilon
    const bound = delta(manifest.privacy.delta * (1 - 1 / 1024))
    const cost = (branch: typeof queries) => priceOf(phasesOf(branch, shares, shares), bound).epsilon
    for (const branch of [training, heldOut]) {
      expect(cost(branch)).toBeLessThanOrEqual(2)
      expect(cost(branch)).toBeGreaterThan(0.995 * 2)
    }
    expect(target.epsilon).toBeCloseTo(Math.max(cost(training), cost(heldOut)), 3)
    expect(cost(queries)).toBeGreaterThan(1.3 * target.epsilon)
    expect(seen.epsilon).toBeLessThanOrEqual(peer.epsilon)
  })

  it('R22 price: the noise of training is what it is without an evaluation, up to the distance of more draws', () => {
    const without = freezeStudy(study(''))
    const noise = ({ plan }: Manifest) => plan.queries.slice(0, 2).map(({ noise_multiplier }) => noise_multiplier)
    noise(manifest).forEach((value, i) => expect(value / noise(without)[i]!).toBeCloseTo(1, 3))
    expect(without.plan.queries).toHaveLength(2)
    expect(JSON.stringify(without)).not.toContain('evaluation')
    expect(manifestHash(without)).not.toBe(manifestHash(manifest))
  })

  it('R9 R22: a person of k hospitals may be on either side at each: the dearest split counts', () => {
    const queries = queriesOf(manifest.plan)
    const { perHospitals } = pricePlan(manifest).epsilon
    const { training, heldOut } = branchesOf(queries)
    const { least_contributors: least, noise_shares: sizedFor } = manifest.federation
    const bound = delta(manifest.privacy.delta * (1 - 1 / 1024))
    for (const { hospitals, epsilon: shown } of perHospitals) {
      const splits = splitsOf(queries, least, sizedFor, hospitals)
      expect(splits).toHaveLength(hospitals + 1)
      for (const branch of [training, heldOut])
        expect(shown).toBeGreaterThan(0.999 * priceOf(phasesOf(branch, least, sizedFor, hospitals), bound).epsilon)
      // One side at one hospital, the other at the next: both are paid.
      const mixed = [...phasesOf(training, least, sizedFor), ...phasesOf(heldOut, least, sizedFor)]
      expect(shown).toBeGreaterThan(0.999 * priceOf(mixed, bound).epsilon)
    }
    expect(perHospitals.map(({ hospitals }) => hospitals)).toEqual([2, 3, 4])
  })

  it('R22 ledger: what is reserved gives the price again, and no less', () => {
    const { ledger } = pricePlan(manifest)
    expect(ledger.phases.map(({ heldOut }) => heldOut === true)).toEqual([false, false, true])
    expect(priceOfReserved(ledger.phases, delta(manifest.privacy.delta * (1 - 1 / 1024)))).toBeCloseTo(
      ledger.epsilon,
      3,
    )
    const cap = { epsilon: epsilon(20), delta: delta(1e-4) }
    const plain = ledger.phases.map(({ heldOut: _, ...phase }) => phase)
    const spent = (phases: typeof ledger.phases) => renyiEpsilon([{ phases, distance: 1e-15, delta: 1e-6 }], cap)
    // The filter, too, charges the dearer branch at each order, and never less than one of them.
    expect(spent(ledger.phases)).toBeLessThan(0.9 * spent(plain))
    expect(spent(ledger.phases)).toBeGreaterThanOrEqual(spent(plain.slice(0, 2)))
    expect(spent(ledger.phases)).toBeGreaterThanOrEqual(spent(plain.slice(2)))
  })

  it('R22 plan: less noise on the scores, a second look or one nobody asked for is refused', () => {
    const changed = (edit: (copy: Manifest) => void) => {
      const copy = structuredClone(manifest)
      edit(copy)
      return refusals(copy)
    }
    const halved = changed(({ plan }) => {
      const scores = plan.queries[2]!
      scores.noise_multiplier /= 2
      scores.grid.step /= 2
    })
    expect(halved).toEqual(['plan.queries[2].noise_multiplier'])
    expect(changed(({ plan }) => plan.queries.push(plan.queries[2]!))).toEqual(['plan.queries'])
    expect(changed(({ plan }) => void (plan.queries[2]!.attempts = 9))).toEqual(['plan.queries[2].attempts'])
    expect(changed(({ plan }) => plan.queries.reverse())).toEqual(['plan.queries'])
    expect(changed((copy) => delete copy.evaluation)).toEqual(['plan.queries'])
    expect(changed(({ plan }) => plan.queries.pop())).toEqual(['plan.queries'])
  })

  it.each([
    ["evaluation: { outcome: sex, positive: ['X'] }", 'not a level of sex'],
    ['evaluation: { outcome: sex, positive: [M, F] }', 'leaves no level that is negative'],
    ['evaluation: { outcome: sex, positive: [M, M] }', 'named twice'],
    ['evaluation: { outcome: age, positive: [M] }', 'must be a categorical column'],
    ['evaluation: { outcome: weight, positive: [M] }', 'not among the columns'],
    ['evaluation: { outcome: sex, positive: [M], bins: 3 }', 'evaluation.bins'],
    ['evaluation: { outcome: sex, positive: [M], bins: 65 }', 'evaluation.bins'],
    // No canaries and no membership tests: there is nothing to ask them with.
    ['evaluation: { outcome: sex, positive: [M], canaries: 100 }', 'unknown key'],
    ['evaluation: { outcome: sex, positive: [M], members: true }', 'unknown key'],
    ['evaluation: { outcome: sex, positive: [M], share: 0.5 }', 'unknown key'],
  ])('R22 study file: %s is refused', (evaluation, why) => {
    expect(parseRefusals(evaluation)).toContain(why)
  })

  it('R22 study file: rows that name no patient cannot be held out', () => {
    const byRow = text(block).replace('unit: patient, patient_key: who', 'unit: row, most_rows_per_patient: 1')
    expect(() => parseStudy(byRow, 'study.yaml')).toThrow('patients are held out, not rows')
  })
})
