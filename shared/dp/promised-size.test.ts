import type { AutoregressiveBlock } from '../synthesizers/autoregressive/schema.ts'
import { networkBlock } from '../synthesizers/autoregressive/study-network.ts'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { pathText } from '../study/finding.ts'
import { parseStudy } from '../study/manifest.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import { checkPromises } from './plan-check.ts'

const draftOf = (name: string): StudyDraft => {
  const url = new URL(`../../deploy/samples/studies/${name}.yaml`, import.meta.url)
  return parseStudy(readFileSync(url, 'utf8'), name, 'drop').draft
}
const complaintsOf = (draft: StudyDraft) => checkPromises(draft).map(({ path }) => pathText(path))

/** The first site promises so many units, more rows than patients; delta small enough for them all. */
const promising = (
  units: number,
  { sites, ...draft }: StudyDraft,
  family: Partial<AutoregressiveBlock> = {},
): StudyDraft => ({
  ...draft,
  family: { ...networkBlock(draft), sampling_rate: 0.001, ...family },
  privacy: { ...draft.privacy, delta: 1e-10 },
  sites: sites.map((site, i) => ({
    ...site,
    ...(i === 0 && { promised_patients: units, promised_rows: draft.privacy.unit === 'row' ? units : 4 * units }),
  })),
})

test.each([
  ['diabetes5-patient', 'sites[0].promised_patients'],
  ['heart4', 'sites[0].promised_rows'],
])('R15 size: %s: no site promises more units than float64 adds up exactly', (name, at) => {
  const draft = draftOf(name)
  expect(complaintsOf(promising(2 ** 23, draft))).toEqual([])
  expect(complaintsOf(promising(2 ** 23 + 1, draft))).toEqual([at])
})

test('R15 size: a batch larger than rows can be placed in at random is refused, a network’s size counted', () => {
  const draft = draftOf('diabetes5-patient')
  // Everybody is drawn, so that the batch is the promise.
  const all = { sampling_rate: 1 }
  expect(complaintsOf(promising(2 ** 20, draft, all))).toEqual([])
  expect(complaintsOf(promising(2 ** 20 + 1, draft, all))).toEqual(['family.sampling_rate'])
  const small = { ...draft, columns: draft.columns.slice(0, 2) }
  const tiny = { ...all, hidden: 1 }
  expect(complaintsOf(promising(2 ** 16, small, tiny))).toEqual([])
  expect(complaintsOf(promising(2 ** 20, small, tiny))).toEqual(['family.sampling_rate'])
})
