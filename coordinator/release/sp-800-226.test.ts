import { readFileSync } from 'node:fs'
import { manifestOf, parseStudy } from '@tributary/shared/study/manifest'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { describe, expect, it } from 'vitest'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { sp800226Of, sp800226Schema } from './sp-800-226.ts'

const sample = (name: string): Manifest => {
  const text = readFileSync(new URL(`../../deploy/samples/studies/${name}.yaml`, import.meta.url), 'utf8')
  return manifestOf(parseStudy(text, name).draft)
}
const [patient, row] = [sample('diabetes5-patient'), sample('diabetes5-row')]

describe('the section in the order of NIST SP 800-226', () => {
  it('fits its schema and says what the study file says', () => {
    for (const manifest of [patient, row, sample('heart4')]) {
      const claims = sp800226Schema.parse(JSON.parse(JSON.stringify(sp800226Of(manifest))))
      expect(claims.data_collection_exposure.columns_read).toEqual(manifest.columns.map(({ name }) => name))
      expect(claims.query_model.approved_by).toEqual(manifest.sites.map(({ name }) => name))
      expect(claims.composition.releases_charged).toBe(
        manifest.plan.queries.reduce((sum, query) => sum + query.attempts, 0),
      )
      expect(claims.trust_model).toMatchObject({
        hospitals: manifest.sites.length,
        must_contribute: manifest.federation.least_contributors,
        must_answer_to_open: manifest.plan.threshold,
      })
      for (const [i, { l2_sensitivity: sensitivity }] of claims.algorithms_and_correctness.mechanisms.entries()) {
        expect(sensitivity).toBeGreaterThan(manifest.plan.queries[i]!.clip_norm)
        expect(sensitivity).toBeLessThan(1.03 * manifest.plan.queries[i]!.clip_norm)
      }
    }
  })

  it('does not call a row a user, nor a large delta small', () => {
    expect(sp800226Of(row).unit_of_privacy).toMatchObject({ level: 'event', most_rows_per_patient: 40 })
    expect(sp800226Of(patient).unit_of_privacy).toMatchObject({ level: 'user', most_rows_per_patient: null })
    expect(sp800226Of(row).privacy_parameters.delta_at_most_one_in_ten_units).toBe(false)
    expect(sp800226Of(patient).privacy_parameters).toMatchObject({
      delta_at_most_one_in_ten_units: true,
      delta_at_most_one_over_units_squared: false,
    })
  })

  it('follows the study where it changes', () => {
    const slower = structuredClone(patient)
    slower.deadlines.send_every_milliseconds = 4321
    slower.federation.colluders = 1
    const claims = sp800226Of(slower)
    expect(claims.implementation_challenges.timing.sent_at_multiples_of_milliseconds).toBe(4321)
    expect(claims.trust_model.expected_colluders).toBe(1)
    expect(sp800226Of(row).data_collection_exposure.linking_key_read).toBe(row.privacy.patient_key !== undefined)
    expect(sp800226Of(patient).data_collection_exposure.linking_key_read).toBe(true)
  })

  it('names an evaluation on patients where there is one, and no percentage that is a number of patients', () => {
    const spares = { marginals: 1, gradient: 1 }
    const evaluation = { patients: 2000, bins: 4, spares: 1 }
    const evaluated = tinyStudy({ sites: 3, least: 3, steps: 2, spares, evaluation })
    const { utility } = sp800226Of(evaluated)
    expect(utility.measured_on_patients).toBe(true)
    expect(utility.where).toMatch(/evaluation on patients held out/)
    const { utility: without } = sp800226Of(patient)
    expect(without.measured_on_patients).toBe(false)
    expect(without.where).toMatch(/nothing was measured on patients/)
    expect(Object.keys(without).filter((name) => /percent/.test(name))).toEqual([])
  })

  it('R11 shown: everybody assumes the generator, the coordinator its own encryption as well', () => {
    const [everybody, ...coordinator] = sp800226Of(patient).trust_model.computational_assumptions
    expect(everybody).toMatch(/^against everybody: AES-256-CTR/)
    expect(coordinator.length).toBeGreaterThan(0)
    for (const each of coordinator) expect(each).toMatch(/^against the coordinator, also: /)
  })

  it('leaves no value out of its sentences', () => {
    const texts: string[] = []
    const walk = (value: unknown): void => {
      if (typeof value === 'string') texts.push(value)
      else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) walk(inner)
    }
    walk(sp800226Of(patient))
    expect(texts.length).toBeGreaterThan(30)
    for (const text of texts) expect(text).not.toMatch(/undefined|NaN|Infinity|\bnull\b/)
  })
})
