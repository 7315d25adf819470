import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digest, studyId } from '@tributary/shared/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AnswerLog } from './answer-log.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answers-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const study = studyId('a'.repeat(64))
const announced = (n: number) => digest(String(n).repeat(64))
const refused = expect.objectContaining({ code: 'ANSWER_REFUSED' })
const opened = () => AnswerLog.open(join(folder, 'answers.db'))
const never = (): Uint8Array => {
  throw new Error('must not be computed')
}
const at = (announcement: number, step = 3, attempt = 1) => ({
  study,
  step,
  attempt,
  announcement: announced(announcement),
})

test('R4 answers: the same announcement gets the same bytes, without computing again, also after a restart', () => {
  const log = opened()
  expect(log.answer(at(1), () => new Uint8Array([1, 2, 3]))).toEqual(new Uint8Array([1, 2, 3]))
  expect(log.answer(at(1), never)).toEqual(new Uint8Array([1, 2, 3]))
  log.close()
  const again = opened()
  expect(again.answer(at(1), never)).toEqual(new Uint8Array([1, 2, 3]))
  again.close()
})

test('R4 answers: another contributor set for an answered attempt is refused; R2: another step or attempt is not', () => {
  const log = opened()
  log.answer(at(1), () => new Uint8Array([1]))
  expect(() => log.answer(at(2), never)).toThrow(refused)
  expect(log.answer(at(2, 3, 2), () => new Uint8Array([2]))).toEqual(new Uint8Array([2]))
  expect(log.answer(at(2, 4, 1), () => new Uint8Array([3]))).toEqual(new Uint8Array([3]))
  expect(() => log.answer(at(2), never)).toThrow(refused)
  log.close()
})

test('R4 answers: a crash before the bytes exist binds the attempt to its announcement all the same', () => {
  const log = opened()
  expect(() => log.answer(at(1), never)).toThrow('must not be computed')
  expect(() => log.answer(at(2), never)).toThrow(refused)
  log.close()
  const again = opened()
  expect(() => again.answer(at(2), never)).toThrow(refused)
  expect(again.answer(at(1), () => new Uint8Array([9]))).toEqual(new Uint8Array([9]))
  again.close()
})

test('R4 answers: the announcement is on record before the answer is computed, and of two computed answers one is sent', () => {
  const first = opened()
  const second = opened()
  const answer = first.answer(at(1), () => {
    expect(() => second.answer(at(2), never)).toThrow(refused)
    expect(second.answer(at(1), () => new Uint8Array([5]))).toEqual(new Uint8Array([5]))
    return new Uint8Array([6])
  })
  expect(answer).toEqual(new Uint8Array([5]))
  first.close()
  second.close()
})

test('R4 answers: a stored answer is found without computing one; an attempt bound to another set is refused there too', () => {
  const log = opened()
  expect(log.kept(at(1))).toBeUndefined()
  expect(() => log.answer(at(1), never)).toThrow('must not be computed')
  expect(log.kept(at(1))).toBeUndefined()
  expect(() => log.kept(at(2))).toThrow(refused)
  log.answer(at(1), () => new Uint8Array([7]))
  expect(log.kept(at(1))).toEqual(new Uint8Array([7]))
  expect(() => log.kept(at(2))).toThrow(refused)
  log.close()
})

test('answers: a step that is no whole number is refused', () => {
  const log = opened()
  expect(() => log.answer(at(1, 1.5), never)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  log.close()
})
