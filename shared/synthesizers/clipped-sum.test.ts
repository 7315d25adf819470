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
