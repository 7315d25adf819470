import util from 'node:util'
import { families } from '@tributary/shared/synthesizers/families'
import { gradientSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { nativePin } from '@tributary/shared/tensor/native-library'
import { clipNorm } from '@tributary/shared/units'
import { beforeEach, describe, expect, it } from 'vitest'
import { contractQueries, smallSizes, smallStudy } from '../harness/family-contract.ts'
import { randomParams, randomRows } from '../harness/reference-network.ts'
import { loadTestEngine } from '../harness/test-engine.ts'

/** Runs where `npm run tensorflow:build` could build (TRIBUTARY_TEST_NATIVE names its folder), as in `.ci/run`. */
let native: Engine
// Each time: all engines of a process share one backend, that of the engine loaded last.
beforeEach(async () => {
  native = await loadTestEngine()
})

const apart = (left: Float64Array, right: Float64Array) =>
  Math.sqrt(left.reduce((sum, value, i) => sum + (value - right[i]!) ** 2, 0) / left.reduce((sum, v) => sum + v * v, 0))

describe('the native engine', () => {
  it('is the one that is taken where it is there, and says its version and place', async () => {
    expect((await loadEngine()).description).toBe(
      `tensorflow (native library ${nativePin.tensorflow}, built in ${process.env['TRIBUTARY_TENSORFLOW']})`,
    )
  })

  it('multiplies, sorts and joins on this Node, whose util is left as it was', () => {
    const before = Object.keys(util).length
    const { tf } = native
    const result = tf.tidy(() => {
      const four = tf.tensor2d([3, 1, 2, 4], [2, 2])
      return [tf.topk(four, 1).values, tf.concat([four, four]), tf.addN([four, four]), tf.matMul(four, four)].map(
        (tensor) => [...tensor.dataSync()],
      )
    })
    expect(result).toEqual([
      [3, 4],
      [3, 1, 2, 4, 3, 1, 2, 4],
      [6, 2, 4, 8],
      [11, 7, 14, 18],
    ])
    expect(Object.keys(util)).toHaveLength(before)
  })

  it('gives the clipped gradients that WebAssembly gives, many rows at once', async () => {
    const network = networkOf(layoutOf([6, 3, 10, 26, 14]), { ...defaultSettings, hidden: 96 })
    const params = randomParams(network, 0.3)
    const cells = randomRows(network.layout, 1100)
    const sumBy = (engine: Engine) => gradientSum(engine, network, params, cells, clipNorm(1)).sum
    const ours = sumBy(native)
    expect(native.tf.getBackend()).toBe('tensorflow')
    expect(native.tf.memory().numTensors).toBe(0)
    expect(apart(ours, sumBy(await loadEngine({ prefer: 'wasm' })))).toBeLessThan(2e-6)
  })

  it.each(families.map((family) => [family.name, family] as const))(
    '%s: every query of the family gives what WebAssembly gives',
    async (name, family) => {
      const units = Array.from({ length: 40 }, (_, unit) => [
        Uint16Array.from(smallSizes, (size, column) => (unit * 7 + column * 3) % size),
      ])
      const sums = async (engine: Engine) =>
        (await contractQueries(family, smallStudy(name), engine)).flatMap(({ announced, sum }) =>
          announced.map((numbers) => sum(numbers, units).sum),
        )
      const ours = await sums(native)
      expect(native.tf.getBackend()).toBe('tensorflow')
      const theirs = await sums(await loadEngine({ prefer: 'wasm' }))
      expect(ours.length).toBeGreaterThan(0)
      expect(ours).toHaveLength(theirs.length)
      ours.forEach((sum, query) => expect(apart(sum, theirs[query]!)).toBeLessThan(1e-5))
    },
  )
})
