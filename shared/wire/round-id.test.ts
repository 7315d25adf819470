import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { studyId } from '../ids.ts'
import { roundIdOf } from './round-id.ts'

const vectors: { what: string; study: string; step: number; attempt: number; hex: string }[] = JSON.parse(
  readFileSync(new URL('../../test/vectors/v1/round-id.json', import.meta.url), 'utf8'),
)
const study = (digit: string) => studyId(digit.repeat(64))

it.each(vectors)('R2 the round of $what', (vector) => {
  expect(roundIdOf(studyId(vector.study), vector.step, vector.attempt)).toBe(vector.hex)
})

property.prop([fc.nat(), fc.nat(), fc.nat(), fc.nat()])('R2 another step or attempt is another round', (a, b, c, d) => {
  expect(roundIdOf(study('1'), a, b) === roundIdOf(study('1'), c, d)).toBe(a === c && b === d)
  expect(roundIdOf(study('1'), a, b)).not.toBe(roundIdOf(study('2'), a, b))
})

it('a step or attempt that is no count is refused', () => {
  expect(() => roundIdOf(study('1'), -1, 0)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  expect(() => roundIdOf(study('1'), 0, 0.5)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
})
