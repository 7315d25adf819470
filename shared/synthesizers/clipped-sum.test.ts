import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { clipNorm } from '../units.ts'
import { ClippedSum, clippedSum, isClippedSum } from './clipped-sum.ts'

const sum = Float64Array.of(1, 2)
const sensitivity = clipNorm(1)

test('R12 sensitivity: only what a synthesizer vouched for is a clipped sum, to the compiler and while running', () => {
  const real = clippedSum(sum, sensitivity)
  expect(isClippedSum(real)).toBe(true)
  // @ts-expect-error a literal with the same fields is none
  const literal: ClippedSum = { sum, sensitivity }
  // @ts-expect-error nor is a copy of its fields
  const copy: ClippedSum = { sum: real.sum, sensitivity: real.sensitivity }
  const filled = Object.assign(Object.create(null), real) as ClippedSum
  // @ts-expect-error nor is a bare vector
  const bare: ClippedSum = sum
  const cast = { sum, sensitivity } as unknown as ClippedSum
  const heir = Object.create(ClippedSum.prototype, { sum: { value: sum }, sensitivity: { value: sensitivity } })
  const proxied = new Proxy(real, {})
  for (const forged of [literal, copy, filled, bare, cast, heir, structuredClone(real), proxied])
    expect(isClippedSum(forged)).toBe(false)
})

test('R12 sensitivity: what was declared stays', () => {
  const real = clippedSum(sum, sensitivity)
  expect(() => Object.assign(real, { sensitivity: clipNorm(0.5) })).toThrow(TypeError)
  expect(real.sensitivity).toBe(1)
})

test('R12 sensitivity: what was vouched for stays, whoever holds an array of it', () => {
  const own = Float64Array.of(0.3, 0.4)
  const real = clippedSum(own, sensitivity)
  own[0] = 1e9
  const read = real.sum
  read.fill(1e9)
  new Float64Array(real.sum.buffer).fill(1e9)
  expect(real.sum).toEqual(Float64Array.of(0.3, 0.4))
  expect(() => {
    // @ts-expect-error nor is it given another one
    real.sum = own
  }).toThrow(TypeError)
  expect(() => Object.defineProperty(real, 'sum', { value: own })).toThrow(TypeError)
  expect(real.sum).toEqual(Float64Array.of(0.3, 0.4))
})

test('R10 R12 sensitivity: no number of it is printed by accident', () => {
  const real = clippedSum(Float64Array.of(0.12345), sensitivity)
  expect(inspect(real, { showHidden: true, depth: 9 }) + JSON.stringify({ real })).not.toContain('0.12345')
})
