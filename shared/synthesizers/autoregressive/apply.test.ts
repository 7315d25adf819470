import { describe, expect, it } from 'vitest'
import { layoutOf } from '../cells.ts'
import {
  applyGradient,
  applyMarginals,
  decodeState,
  encodeState,
  initialModel,
  parametersOf,
  release,
} from './apply.ts'
import { networkOf, unpack } from './network.ts'
import { defaultSettings } from './settings.ts'
import { decodeModel, encodeModel } from './training-state.ts'

const network = networkOf(layoutOf([3, 2, 4]), { ...defaultSettings, hidden: 6 })
const sums = (step: number) =>
  Float64Array.from({ length: network.dimension }, (_, i) => Math.sin(i * 3.1 + step * 7.7))
const marginals = Float64Array.of(50, 30, 20, 104, -4, 10, 20, 30, 40)

const train = (
  first: number,
  last: number,
  total: number,
  from = applyMarginals(initialModel(network, 3), marginals, 100),
) => {
  let state = from
  for (let step = first; step <= last; step++) state = applyGradient(state, sums(step), 10, step, total)
  return state
}

describe('initialModel', () => {
  it('is small and random on the hidden layer, zero elsewhere, and the same for a seed', () => {
    const weights = unpack(network, parametersOf(initialModel(network, 3)))
    expect(weights.inputHidden.some((value) => Math.abs(value) > 0.02)).toBe(true)
    expect(weights.hiddenOutput.some((value) => value !== 0)).toBe(true)
    expect(Math.max(...weights.hiddenOutput.map(Math.abs))).toBeLessThan(0.06)
    for (const zero of [weights.hiddenBias, weights.inputOutput, weights.outputBias])
      expect(zero.every((value) => value === 0)).toBe(true)
    expect(initialModel(network, 3)).toEqual(initialModel(network, 3))
    expect(initialModel(network, 4).params).not.toEqual(initialModel(network, 3).params)
  })
})

describe('applyMarginals', () => {
  it('starts biases at the log of consistent shares, whatever number of patients was promised', () => {
    for (const promised of [100, 250]) {
      const state = applyMarginals(initialModel(network, 3), marginals, promised)
      const shares = [0.5, 0.3, 0.2, 1, 0, 0.1, 0.2, 0.3, 0.4]
      expect([...state.marginals!]).toEqual(shares.map((share) => expect.closeTo(share, 10)))
      const bias = unpack(network, state.params).outputBias
      expect([...bias]).toEqual(shares.map((share) => expect.closeTo(Math.log(Math.max(share, 1e-4)), 5)))
    }
  })

  it('still gives shares of one when the noise has eaten the counts', () => {
    const state = applyMarginals(
      initialModel(network, 3),
      marginals.map(() => -50),
      100,
    )
    expect([...state.marginals!.subarray(0, 3)]).toEqual(Array(3).fill(expect.closeTo(1 / 3, 10)))
  })
})

describe('applyGradient', () => {
  it('takes Adam steps of the full rate in the first half, falling to nothing at the end', () => {
    const up = new Float64Array(network.dimension).fill(5)
    let state = initialModel(network, 3)
    const moves: number[] = []
    for (let step = 1; step <= 10; step++) {
      const next = applyGradient(state, up, 10, step, 10)
      moves.push(state.params[0]! - next.params[0]!)
      state = next
    }
    // A constant gradient moves Adam by the rate itself.
    const rates = [1, 1, 1, 1, 1, 10 / 11, 8 / 11, 6 / 11, 4 / 11, 2 / 11].map((share) => 0.01 * share)
    expect(moves).toEqual(rates.map((rate) => expect.closeTo(rate, 6)))
  })

  it('releases the mean of the weights after the last half of the steps', () => {
    const totalSteps = 8
    let state = initialModel(network, 3)
    const seen: Float32Array[] = []
    for (let step = 1; step <= totalSteps; step++) {
      state = applyGradient(state, sums(step), 10, step, totalSteps)
      seen.push(parametersOf(state))
    }
    const mean = seen[0]!.map((_, i) => seen.slice(4).reduce((total, params) => total + params[i]!, 0) / 4)
    release(state).params.forEach((value, i) => expect(value).toBeCloseTo(mean[i]!, 6))
    expect(release(train(1, 2, 8)).params).toEqual(train(1, 2, 8).params)
  })

  it('goes on with the schedule after a lost step, and changes nothing it was given', () => {
    const before = train(1, 3, 8)
    const copy = encodeState(before)
    const after = applyGradient(before, sums(5), 10, 5, 8)
    expect(encodeState(before)).toEqual(copy)
    expect([after.updates, after.averaged]).toEqual([4, 1])
  })

  it('refuses sums and steps that do not fit', () => {
    const state = initialModel(network, 3)
    const bad = sums(1)
    bad[4] = Number.NaN
    for (const sum of [bad, new Float64Array(3)])
      expect(() => applyGradient(state, sum, 10, 1, 8)).toThrow(expect.objectContaining({ code: 'AGGREGATE_INVALID' }))
    for (const step of [0, 9, 1.5])
      expect(() => applyGradient(state, sums(1), 10, step, 8)).toThrow(
        expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
      )
    expect(() => applyMarginals(state, Float64Array.of(1), 10)).toThrow(
      expect.objectContaining({ code: 'AGGREGATE_INVALID' }),
    )
  })
})

describe('encodeState', () => {
  it('continues bit for bit after a restart at any step', () => {
    const whole = encodeState(train(1, 8, 8))
    for (const stop of [1, 4, 6]) {
      const restarted = decodeState(encodeState(train(1, stop, 8)))
      expect(encodeState(train(stop + 1, 8, 8, restarted))).toEqual(whole)
    }
    expect(decodeState(encodeState(initialModel(network, 3)))).toEqual(initialModel(network, 3))
  })

  it('refuses any changed byte, cut or other format', () => {
    const bytes = encodeState(train(1, 2, 8))
    for (const at of [0, 40, 300, bytes.length - 40, bytes.length - 1]) {
      const changed = bytes.slice()
      changed[at] = changed[at]! ^ 1
      expect(() => decodeState(changed)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
    }
    for (const wrong of [
      bytes.subarray(1),
      bytes.subarray(0, 50),
      new Uint8Array(0),
      encodeModel(release(train(1, 2, 8))),
    ])
      expect(() => decodeState(wrong)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })

  it('carries a released model', () => {
    const model = release(train(1, 8, 8))
    expect(decodeModel(encodeModel(model))).toEqual(model)
  })
})
