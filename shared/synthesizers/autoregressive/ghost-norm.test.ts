import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type LayerKind,
  numericGradient,
  randomParams,
  randomRows,
  referenceMasks,
} from '../../../test/harness/reference-network.ts'
import { loadGradients } from '../../../test/harness/tensor-gradients.ts'
import { type Engine, loadEngine } from '../../tensor/engine.ts'
import { clipNorm } from '../../units.ts'
import { layoutOf } from '../cells.ts'
import { gradientSum } from './clipped-sum.ts'
import { squaredNorm } from './ghost-norm.ts'
import { hiddenOutputOf } from './hidden-output.ts'
import { type Network, networkOf, pack, unpack } from './network.ts'
import { chunkFor, enterHidden, gateHidden, leaveOutputs } from './pass.ts'
import { defaultSettings } from './settings.ts'

const differentiated = [
  'Add',
  'AddN',
  'BatchMatMul',
  'Cast',
  'Exp',
  'Log',
  'Max',
  'Multiply',
  'Relu',
  'Reshape',
  'Slice',
  'Sub',
  'Sum',
]
let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
  await loadGradients(engine, differentiated)
})

const kinds: readonly LayerKind[] = ['inputHidden', 'hiddenBias', 'hiddenOutput', 'inputOutput', 'outputBias']
const squares = (vector: ArrayLike<number>) => Array.from(vector).reduce((sum, value) => sum + value * value, 0)

/** The gradient of one row's loss by the tensor library's own differentiation of the dense network: no formula of ours. */
const autograd = (network: Network, params: Float32Array, row: Uint16Array): Record<LayerKind, Float32Array> => {
  const { tf } = engine
  const { layout, hidden } = network
  const { sizes, offsets, cells } = layout
  const weights = unpack(network, params)
  const masks = referenceMasks(network)
  const shapes: Record<LayerKind, [number, number]> = {
    inputHidden: [cells, hidden],
    hiddenBias: [1, hidden],
    hiddenOutput: [hidden, cells],
    inputOutput: [cells, cells],
    outputBias: [1, cells],
  }
  const used = kinds.filter((kind) => shapes[kind][0] * shapes[kind][1] > 0)
  const gradients = tf.tidy(() => {
    const oneHot = new Float32Array(cells)
    row.forEach((code, j) => {
      oneHot[offsets[j]! + code] = 1
    })
    const x = tf.tensor2d(oneHot, [1, cells])
    const masked = used.map((kind) => tf.tensor2d(masks[kind], shapes[kind]))
    const loss = (...trained: Tensor[]) => {
      const layer = (kind: LayerKind) => tf.mul(trained[used.indexOf(kind)]!, masked[used.indexOf(kind)]!) as Tensor2D
      let z: Tensor = tf.add(tf.matMul(x, layer('inputOutput')), layer('outputBias'))
      if (hidden > 0) {
        const h = tf.relu(tf.add(tf.matMul(x, layer('inputHidden')), layer('hiddenBias'))) as Tensor2D
        z = tf.add(z, tf.matMul(h, layer('hiddenOutput')))
      }
      const losses = sizes.map((size, j) => {
        const logits = tf.slice(z, [0, offsets[j]!], [1, size])
        return tf.sub(tf.logSumExp(logits), tf.reshape(tf.slice(logits, [0, row[j]!], [1, 1]), []))
      })
      return tf.reshape(tf.addN(losses), []) as Scalar
    }
    const at = used.map((kind) => tf.tensor2d(weights[kind], shapes[kind]))
    return tf
      .grads(loss)(at)
      .map((gradient) => gradient.dataSync<'float32'>())
  })
  const of = (kind: LayerKind) => gradients[used.indexOf(kind)] ?? new Float32Array(0)
  return Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Record<LayerKind, Float32Array>
}

/** Ghost norms of all rows, on the way that `gradientSum` takes. */
const ghostNorms = (network: Network, params: Float32Array, cells: Uint16Array, rows: number): number[] => {
  const chunk = chunkFor(network, params, rows)
  const weights = hiddenOutputOf(engine, network, params)
  enterHidden(network, cells, 0, rows, chunk)
  leaveOutputs(network, cells, 0, rows, weights.forward(chunk.hidden, rows), chunk)
  gateHidden(weights.backward(chunk.outputs, rows), chunk)
  weights.dispose()
  const { hidden, layout } = network
  return Array.from({ length: rows }, (_, r) =>
    Math.sqrt(squaredNorm(network, chunk.hidden, chunk.atHidden, r * hidden, chunk.outputs, r * layout.cells)),
  )
}

describe.each([
  ['one column: biases alone, no skip, nothing hidden', [4], 3],
  ['two columns, one hidden unit', [5, 7], 1],
  ['fewer hidden units than columns', [2, 3, 2, 2, 4, 2], 3],
  ['one hidden unit, so that most columns have the skip alone', [3, 2, 4, 2, 3], 1],
  ['columns of one level', [1, 3, 1, 2], 6],
  ['uneven shares of hidden units', [3, 2, 4, 2, 3], 10],
  ['wide: many units, and a column of 90 levels', [3, 90, 4], 200],
  ['the shipped default on the diabetes5 layout', [6, 3, 10, 8, 26, 14, 16, 7, 16, 3, 2, 4, 16, 4, 4, 2, 2, 3], 192],
] as const)('%s', (_, sizes, hidden) => {
  const network = networkOf(layoutOf([...sizes]), { ...defaultSettings, hidden })
  const rows = network.layout.cells > 50 ? 2 : 10

  it('ghost norms are the norms of per-record autograd, and sums are its gradients, every kind of layer in them', () => {
    const shares = new Map<LayerKind, number>()
    for (const scale of [0.05, 0.5, 2]) {
      const params = randomParams(network, scale / Math.sqrt(1 + hidden / 16), 3)
      const cells = randomRows(network.layout, rows, 5)
      const ghosts = ghostNorms(network, params, cells, rows)
      ghosts.forEach((ghost, r) => {
        const row = cells.slice(r * sizes.length, (r + 1) * sizes.length)
        const gradient = autograd(network, params, row)
        const squared = kinds.map((kind) => squares(gradient[kind]))
        const total = squared.reduce((sum, part) => sum + part, 0)
        expect(Math.abs(ghost / Math.sqrt(total) - 1)).toBeLessThan(1e-5)
        kinds.forEach((kind, i) => shares.set(kind, Math.max(shares.get(kind) ?? 0, squared[i]! / total)))
        const { sum } = gradientSum(engine, network, params, row, clipNorm(1e6))
        const packed = pack(network, gradient)
        expect(Math.sqrt(squares(sum.map((value, i) => value - packed[i]!)) / total)).toBeLessThan(1e-5)
      })
    }
    // A layer left out of the norm could not hide in the tolerance: each is a hundred times as much of it somewhere.
    for (const kind of kinds)
      if (squares(referenceMasks(network)[kind]) > 0) expect(shares.get(kind), kind).toBeGreaterThan(1e-3)
  })
})

it('ghost norms are the norms of float64 finite differences on a small network', () => {
  const network = networkOf(layoutOf([3, 2, 4]), { ...defaultSettings, hidden: 5 })
  for (const scale of [0.1, 0.6, 1.5]) {
    const params = randomParams(network, scale, 11)
    const cells = randomRows(network.layout, 8, 7)
    ghostNorms(network, params, cells, 8).forEach((ghost, r) => {
      const numeric = Math.sqrt(squares(numericGradient(network, params, cells.subarray(3 * r, 3 * r + 3))))
      expect(Math.abs(ghost / numeric - 1)).toBeLessThan(1e-5)
    })
  }
})
