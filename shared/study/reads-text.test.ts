import { expect, test } from 'vitest'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { leavesText, readsText } from './reads-text.ts'

const spares = { marginals: 1, gradient: 1 }
const rows = tinyStudy({ sites: 3, least: 3, steps: 2, spares })
const patients = tinyStudy({ sites: 3, least: 3, steps: 2, spares, evaluation: { patients: 2000, bins: 4, spares: 1 } })

test('what is read names the patient key where there is one, and that it stays', () => {
  expect(readsText(rows)).toBe('a, b')
  expect(readsText(patients)).toMatch(/^a, b; who as the key, which stays here; /)
})

test('an evaluation is told: who is held out, and the sums that leave of them', () => {
  expect(readsText(patients)).toMatch(/10 % of patients, .* held out of training for ever/)
  expect(leavesText(rows)).toBe('5 sealed, noised sums at most; no rows, no counts, no text')
  expect(leavesText(patients)).toBe(
    '7 sealed, noised sums at most, 2 of them of held-out patients; no rows, no counts, no text',
  )
})
