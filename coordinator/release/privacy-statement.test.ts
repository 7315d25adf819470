import { readFileSync } from 'node:fs'
import { manifestOf, parseStudy } from '@tributary/shared/study/manifest'
import { expect, test } from 'vitest'
import { type PrivacyStatement, privacyStatement, privacyStatementSchema } from './privacy-statement.ts'

const statementOf = (name: string): PrivacyStatement => {
  const text = readFileSync(new URL(`../../deploy/samples/studies/${name}.yaml`, import.meta.url), 'utf8')
  const statement = privacyStatement({
    releaseId: 'R-4KTM-20261122',
    created: new Date('2026-11-22T12:00:00Z'),
    federation: 'five hospitals',
    purpose: 'readmissions',
    manifest: manifestOf(parseStudy(text, name).draft),
  })
  return privacyStatementSchema.parse(JSON.parse(JSON.stringify(statement)))
}
const [patient, row] = [statementOf('diabetes5-patient'), statementOf('diabetes5-row')]

test('R11 shown: each adversary’s row names what it assumes of cryptography; nobody’s assumes nothing', () => {
  for (const { who, assumes } of patient.privacy_loss.adversaries)
    expect(assumes).toEqual(who === 'coordinator' || who === 'coalition' ? ['generator', 'encryption'] : ['generator'])
})

test('a suspicion of 1 %, 10 % and 50 % is told for everybody, the unlikely one moved most', () => {
  const { public: outside, peer } = patient.privacy_loss.privacy_parameters
  for (const { epsilon, beliefs } of [outside, peer, ...patient.privacy_loss.adversaries]) {
    expect(beliefs.map(({ before }) => before)).toEqual([0.01, 0.1, 0.5])
    for (const { before, after_at_most: after } of beliefs)
      expect(Math.log(after / (1 - after)) - Math.log(before / (1 - before))).toBeCloseTo(epsilon, 6)
  }
})

test('a patient with all their rows has a figure of their own for unit row alone', () => {
  expect(patient.privacy_loss.privacy_parameters).not.toHaveProperty('patient')
  expect(row.privacy_loss.privacy_parameters.patient?.most_rows).toBe(40)
  expect(row.privacy_loss.privacy_parameters.patient?.epsilon).toBeGreaterThan(
    row.privacy_loss.privacy_parameters.public.epsilon,
  )
})
