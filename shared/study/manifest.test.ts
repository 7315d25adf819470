import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../wire/canonical.ts'
import { federationOf } from './federation.ts'
import type { Finding } from './finding.ts'
import { StudyRefused } from './finding.ts'
import { studyJsonSchema } from './json-schema.ts'
import {
  decodeManifest,
  encodeManifest,
  freezeStudy,
  manifestHash,
  manifestOf,
  parseManifest,
  parseStudy,
  studyIdOf,
} from './manifest.ts'
import { withPlan } from './plan-text.ts'
import { digest } from '../ids.ts'

const repository = new URL('../../', import.meta.url)
const text = readFileSync(new URL('deploy/samples/studies/heart4.yaml', repository), 'utf8')
const lineOf = (part: string) => text.slice(0, text.indexOf(part)).split('\n').length

/** What the sample says of its family. */
const familyBlock = /(?<=family:\n)(?: {2}.*\n)+/.exec(text)?.[0] ?? ''

/** The sample with one piece of text replaced; fails when the piece is not there. */
const edited = (from: string, to: string): string => {
  expect(text).toContain(from)
  return text.replace(from, to)
}

const findingsOf = (study: string): readonly Finding[] => {
  try {
    parseStudy(study, 'study.yaml')
  } catch (error) {
    if (error instanceof StudyRefused) return error.findings
    throw error
  }
  return []
}

describe('parseStudy', () => {
  it('accepts the sample and fills in the defaults', () => {
    const { draft, place } = parseStudy(text, 'study.yaml')
    expect(draft.source).toMatchObject({ delimiter: ',', encoding: 'utf-8' })
    expect(draft.federation).toEqual({ least_contributors: 4, colluders: 0, noise_shares: 3 })
    expect(place(['privacy', 'epsilon'])).toEqual({
      file: 'study.yaml',
      field: 'privacy.epsilon',
      line: lineOf('epsilon: 1'),
    })
  })

  it('defaults the federation: all of five sites, one share less than contribute', () => {
    const block = /federation:\n(?: {2}.*\n)+/
    expect(parseStudy(text.replace(block, ''), 'f').draft.federation).toEqual({
      least_contributors: 4,
      colluders: 0,
      noise_shares: 3,
    })
  })

  it.each([
    ['purpose: >-', 'sourcery: x\npurpose: >-', 'sourcery', 'unknown key'],
    ['    maximum: 100', '    maximum: 100\n    size: 8', 'columns[0].size', 'unknown key'],
    ['epsilon: 1', 'epsilon: 0', 'privacy.epsilon', '>0'],
    ['epsilon: 1', 'epsilon: .nan', 'privacy.epsilon', 'number'],
    ['delta: 1.0e-4', 'delta: 0', 'privacy.delta', '>0'],
    ['  most_rows_per_patient: 1\n', '', 'privacy.most_rows_per_patient', 'required for unit row'],
    ['unit: row', 'unit: patient', 'privacy.patient_key', 'required for unit patient'],
    ['  unit: row\n', '', 'privacy.unit', 'without a patient_key must say `unit: row`'],
    ['unit: row', 'unit: visit', 'privacy.unit', 'patient'],
    ['most_rows_per_patient: 1', 'most_rows_per_patient: 3', 'privacy.patient_key', 'more than one row'],
    [
      'most_rows_per_patient: 1',
      'most_rows_per_patient: 1\n  patient_key: mrn',
      'privacy.patient_key',
      'source.columns',
    ],
    [
      'most_rows_per_patient: 1',
      'most_rows_per_patient: 1\n  patient_key: age',
      'columns[0].name',
      'cannot be modelled',
    ],
    ['[18, 40, 45', '[18, 45, 40', 'columns[0].bins[2]', 'ascend'],
    ['[18, 40, 45', '[18, 40.5, 45', 'columns[0].bins[1]', 'whole'],
    ['    maximum: 100', '    maximum: 60', 'columns[0].maximum', 'below'],
    ['levels: ["1", "2", "3", "4"]', 'levels: ["1", "2", "1.0", "4"]', 'columns[2].levels[2]', 'twice'],
    ['levels: ["1", "2", "3", "4"]', 'levels: ["1", "2", "?", "4"]', 'columns[2].levels[2]', 'missing'],
    ['levels: ["1", "2", "3", "4"]', 'levels: ["1", "two"]', 'columns[2].levels[1]', 'number'],
    ['levels: ["1", "2", "3", "4"]', 'levels: ["1", "2"]\n    other: "9"', 'columns[2].other', 'one of the levels'],
    ['- name: chol', '- name: age', 'columns[4].name', 'twice'],
    ['- name: chol', '- name: cholesterol', 'columns[4].name', 'source.columns'],
    ['header: false', 'header: maybe', 'source.header', 'boolean'],
    ['name: va,', 'name: cleveland,', 'sites[3].name', 'twice'],
    ['name: va,', 'name: VA,', 'sites[3].name', 'a-z'],
    [
      'promised_patients: 210, promised_rows: 210',
      'promised_patients: 210, promised_rows: 20',
      'sites[3].promised_rows',
      'fewer',
    ],
    ['promised_patients: 210,', 'promised_patients: 0,', 'sites[3].promised_patients', '>='],
    ['steps: 40', 'steps: 40.5', 'family.steps', 'int'],
    [familyBlock, '  name: auto\n  outcome: dead\n', 'family.outcome', 'not among the columns'],
    [familyBlock, '  name: mixture\n  outcome: dead\n', 'family.outcome', 'no column of the study'],
    [familyBlock, '  name: gan\n  most_pairs: 5\n', 'family.most_pairs', 'two groups a column'],
    [familyBlock, '  name: mixture\n  most_groups: [2, 2]\n', 'family.most_groups', '14 columns'],
  ])('refuses %j -> %j and names the line', (from, to, field, why) => {
    const changed = edited(from, to)
    const finding = findingsOf(changed).find(({ path }) => pathOf(path) === field)
    expect(finding).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining(why) })
    const line = changed.split('\n')[(finding?.line ?? 0) - 1] ?? ''
    // An absent key is reported on the line of its block.
    const name = field.split('.').at(-1)?.replace(/\[.*/, '') ?? ''
    expect(`${line}${finding?.message}`).toMatch(new RegExp(`${name}|${field.split('.')[0]}`))
  })

  it.each([
    ['delta: 1.0e-4', 'delta: 1.2e-4', 'privacy.delta'],
    ['least_contributors: 4', 'least_contributors: 5', 'federation.least_contributors'],
    ['colluders: 0', 'colluders: 3', 'federation.least_contributors'],
    ['least_contributors: 4\n  colluders: 0', 'least_contributors: 3\n  colluders: 1', 'federation.least_contributors'],
    ['noise_shares: 3', 'noise_shares: 5', 'federation.noise_shares'],
  ])('refuses the promise of %j -> %j (R7, R8, R20)', (from, to, field) => {
    const findings = findingsOf(edited(from, to))
    expect(findings.map(({ code, path }) => `${code} ${pathOf(path)}`)).toContain(`PLAN_REFUSED ${field}`)
    expect(findings[0]?.line).toBe(lineOf(`${field.split('.')[1]}:`))
  })

  it('R7 mixed sets: defaults leave out no more than a plan may', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
    const sites = (count: number) =>
      names.slice(0, count).map((name) => ({ name, promised_patients: 1, promised_rows: 1 }))
    const least = (count: number, colluders: number) =>
      federationOf({ sites: sites(count), federation: { colluders } }).least_contributors
    expect([3, 4, 5, 6, 7, 8, 10].map((count) => least(count, 0))).toEqual([3, 4, 5, 5, 6, 7, 8])
    expect([6, 8, 10].map((count) => least(count, 3))).toEqual([6, 7, 9])
  })

  it('allows a published delta when flagged', () => {
    expect(findingsOf(edited('delta: 1.0e-4', 'delta: 1.2e-4\n  published_comparison: true'))).toEqual([])
  })

  it('refuses more cells in all than a site can be asked to count', () => {
    const days = 'date\n    from: 1850-01-01\n    to: 2024-01-01\n    every: day\n'
    const dated = (name: string, study: string) => {
      const changed = study.replace(new RegExp(`(- name: ${name}\\n    kind: )[^-]*`), `$1${days}  `)
      expect(changed).not.toBe(study)
      return changed
    }
    const two = dated('age', dated('sex', text))
    expect(findingsOf(two)).toEqual([])
    expect(findingsOf(dated('cp', two)).map(({ path }) => pathOf(path))).toEqual(['columns'])
  })

  it('collects every finding, in the order of the lines, and never stops at the first', () => {
    const findings = findingsOf(
      edited('epsilon: 1', 'epsilon: -1').replace('header: false', 'header: 7').replace('steps: 40', 'step: 40'),
    )
    expect(findings.map(({ path }) => pathOf(path))).toEqual(['source.header', 'privacy.epsilon', 'family.step'])
  })

  it.each([
    ['a: [1', 1],
    ['tributary: study/1\nname: a\nname: b', 3],
    ['- just\n- a list', 1],
    ['', undefined],
  ])('refuses what is no study: %j', (study, line) => {
    const findings = findingsOf(study)
    expect(findings[0]).toMatchObject({ code: 'MANIFEST_INVALID' })
    expect(findings[0]?.line).toBe(line)
  })

  it('refuses aliases', () => {
    expect(findingsOf('tributary: &x study/1\nname: *x')[0]?.message).toContain('aliases')
  })

  it('refuses another version by name', () => {
    expect(findingsOf(edited('study/1', 'study/2'))[0]?.message).toContain('study/1')
  })
})

describe('the unit', () => {
  const keyed = text.replace('[age, sex', '[mrn, age, sex')
  const privacyOf = (lines: string) => {
    const study = keyed.replace('  unit: row\n  most_rows_per_patient: 1\n', lines)
    expect(study).not.toBe(keyed)
    return parseStudy(study, 'keyed.yaml').draft
  }

  it('is the patient wherever a patient key is declared, unless the file says row', () => {
    expect(privacyOf('  patient_key: mrn\n').privacy).toMatchObject({ unit: 'patient', patient_key: 'mrn' })
    const row = '  unit: row\n  patient_key: mrn\n  most_rows_per_patient: 3\n'
    expect(privacyOf(row).privacy).toMatchObject({ unit: 'row', patient_key: 'mrn', most_rows_per_patient: 3 })
  })

  it('is in the manifest and its hash, whether it was written or not', () => {
    const [silent, spelled, row] = [
      '  patient_key: mrn\n',
      '  patient_key: mrn\n  unit: patient\n',
      '  patient_key: mrn\n  unit: row\n  most_rows_per_patient: 1\n',
    ].map((lines) => manifestOf(privacyOf(lines)))
    expect(decodeManifest(encodeManifest(silent!)).privacy.unit).toBe('patient')
    expect(manifestHash(silent!)).toBe(manifestHash(spelled!))
    expect(manifestHash(row!)).not.toBe(manifestHash(silent!))
  })

  it('is never left out of a manifest', () => {
    const { unit, ...privacy } = manifestOf(privacyOf('  patient_key: mrn\n')).privacy
    expect(unit).toBe('patient')
    const manifest = JSON.parse(JSON.stringify({ ...manifestOf(parseStudy(text, 'heart4.yaml').draft), privacy }))
    expect(() => decodeManifest(encodeCanonical(manifest))).toThrow(/privacy\.unit/)
  })
})

describe('a frozen manifest', () => {
  const manifest = manifestOf(parseStudy(text, 'heart4.yaml').draft)

  it('travels as canonical bytes and comes back the same', () => {
    const bytes = encodeManifest(manifest)
    expect(decodeManifest(bytes)).toEqual(manifest)
    expect(manifestHash(decodeManifest(bytes))).toBe(manifestHash(manifest))
  })

  it('has a hash that does not depend on comments, order or spelled-out defaults', () => {
    const other = parseStudy(edited('header: false', 'delimiter: ","\n  header: false # no names'), 'x').draft
    expect(manifestHash(manifestOf(other))).toBe(manifestHash(manifest))
  })

  it.each([
    ['epsilon: 1', 'epsilon: 0.9'],
    ['noise_shares: 3', 'noise_shares: 2'],
    ['promised_rows: 300', 'promised_rows: 301'],
    ['hidden: 4', 'hidden: 5'],
    ['"6", "7"', '"6", "8"'],
    ['answer_seconds: 60', 'answer_seconds: 61'],
    ['attempts: 42', 'attempts: 43'],
  ])('has another hash when %j becomes %j', (from, to) => {
    expect(manifestHash(manifestOf(parseStudy(edited(from, to), 'x').draft))).not.toBe(manifestHash(manifest))
  })

  it('makes another study under another roster (R1)', () => {
    const [a, b] = ['a', 'b'].map((hex) => studyIdOf(manifest, digest(hex.repeat(64))))
    expect(a).not.toBe(b)
    expect(a).toMatch(/^[0-9a-f]{64}$/)
  })

  it('refuses bytes with an unknown field, a missing plan, or facts that do not hold', () => {
    const { plan, ...draft } = manifest
    const bytes = (value: object) => encodeCanonical(JSON.parse(JSON.stringify(value)))
    expect(() => decodeManifest(bytes({ ...manifest, extra: 1 }))).toThrow(/extra: unknown key/)
    expect(() => decodeManifest(bytes(draft))).toThrow(/plan/)
    expect(plan.queries).toHaveLength(2)
    const privacy = { ...manifest.privacy, delta: 0.01 }
    expect(() => decodeManifest(bytes({ ...manifest, privacy }))).toThrow(/privacy\.delta: above/)
    // R7 mixed sets: what a hospital reads before it shows or approves a study.
    const federation = { ...manifest.federation, least_contributors: 3, colluders: 1, noise_shares: 2 }
    expect(() => decodeManifest(bytes({ ...manifest, federation }))).toThrow(
      /federation\.least_contributors: of 4 sites, 1 of them colluding, at least 4 must contribute/,
    )
  })

  it('needs its plan', () => {
    const draft = text.slice(0, text.indexOf('\nplan:'))
    expect(() => parseManifest(draft, 'draft.yaml')).toThrow(/study plan FILE --write/)
  })
})

describe('withPlan', () => {
  const bare = text.slice(0, text.indexOf('\nplan:') + 1)

  it('adds a plan and keeps every other byte', () => {
    const { plan } = freezeStudy(parseStudy(bare, 'bare.yaml').draft)
    const planned = withPlan(bare, plan)
    expect(planned.startsWith(bare.trimEnd())).toBe(true)
    expect(parseStudy(planned, 'x').draft.plan).toEqual(plan)
    expect(withPlan(planned, plan)).toBe(planned)
  })

  it('replaces a plan in the middle, comments around it kept', () => {
    const { plan } = freezeStudy(parseStudy(bare, 'bare.yaml').draft)
    const middle = withPlan(bare, plan).replace(/(federation:\n(?: {2}.*\n)+)([\s\S]*)/, '$2\n# the rules\n$1')
    const stale = middle.replace('attempts: 42', 'attempts: 43')
    expect(stale).not.toBe(middle)
    expect(withPlan(stale, plan)).toBe(middle)
  })
})

it('docs/study.schema.json is what the code says', () => {
  const published = JSON.parse(readFileSync(new URL('docs/study.schema.json', repository), 'utf8'))
  expect(published).toEqual(JSON.parse(studyJsonSchema()))
  // An editor that checks by it wants a unit or a patient key, as the code does.
  expect(published.properties.privacy).toMatchObject({
    required: ['epsilon', 'delta'],
    anyOf: [{ required: ['unit'] }, { required: ['patient_key'] }],
  })
})

const pathOf = (path: readonly (string | number)[]) =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
