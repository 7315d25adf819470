import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { initialModel, parametersOf } from '@tributary/shared/synthesizers/autoregressive/apply'
import { type Network, networkOf, unpack } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { floatSlack } from '@tributary/shared/synthesizers/clipped-sum'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'

/** One gradient that every contender computes: the public diabetes5 layout, made-up rows, random weights. */
export interface DpsgdProblem {
  readonly network: Network
  /** Packed. */
  readonly params: Float32Array
  /** rows x columns. */
  readonly cells: Uint16Array
  readonly rows: number
  readonly clipNorm: number
}

const sizes = [6, 3, 10, 8, 26, 14, 16, 7, 16, 3, 2, 4, 16, 4, 4, 2, 2, 3]

/** Most rows are clipped at this norm, as in training. */
export const dpsgdProblem = (rows: number, hidden: number = defaultSettings.hidden): DpsgdProblem => {
  const layout = layoutOf(sizes)
  const network = networkOf(layout, { ...defaultSettings, hidden })
  const random = counterRandom(1, 250)
  const cells = Uint16Array.from({ length: rows * sizes.length }, (_, i) =>
    Math.floor(random.uniform(i, 0) * sizes[i % sizes.length]!),
  )
  return { network, params: parametersOf(initialModel(network, 1)), cells, rows, clipNorm: 1 }
}

/** The files that dpsgd-peers.py reads. */
export const writeProblem = ({ network, params, cells, rows, clipNorm }: DpsgdProblem, folder: string): void => {
  const { hidden, groups, layout } = network
  // Ours aims below the norm, to pay for rounding: for equal sums the others aim there too.
  const words = { sizes: layout.sizes, groups: [...groups], hidden, rows, clipNorm: clipNorm * (1 - floatSlack) }
  writeFileSync(join(folder, 'problem.json'), JSON.stringify(words))
  writeFileSync(join(folder, 'cells.u16'), cells)
  const { inputHidden, hiddenBias, hiddenOutput, inputOutput, outputBias } = unpack(network, params)
  const parts = [inputHidden, hiddenBias, hiddenOutput, inputOutput, outputBias]
  writeFileSync(join(folder, 'params.f32'), Buffer.concat(parts.map((part) => new Uint8Array(part.buffer))))
}

/** How far the sum that a contender wrote lies from `ours`, packed, as a share of its length: 1e-6 is float32 rounding. */
export const distanceFrom = ({ network }: DpsgdProblem, ours: Float64Array, file: string): number => {
  const theirs = new Float32Array(new Uint8Array(readFileSync(file)).buffer)
  const { inputHidden, hiddenBias, hiddenOutput, inputOutput, outputBias } = unpack(network, Float32Array.from(ours))
  let [at, apart, length] = [0, 0, 0]
  for (const part of [inputHidden, hiddenBias, hiddenOutput, inputOutput, outputBias])
    for (const value of part) {
      apart += (value - theirs[at++]!) ** 2
      length += value * value
    }
  if (at !== theirs.length) throw new RangeError(`${file} holds ${theirs.length} numbers, not ${at}`)
  return Math.sqrt(apart / length)
}
