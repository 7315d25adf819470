import type { Generator } from '@tributary/shared/generator/generator'
import { autoregressiveGenerator } from '@tributary/shared/synthesizers/autoregressive/generator'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { type Layout, layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { ganGenerator } from '@tributary/shared/synthesizers/gan/generator'
import { ganSchema } from '@tributary/shared/synthesizers/gan/schema'
import { mixtureGenerator } from '@tributary/shared/synthesizers/mixture/generator'
import { mixtureSchema } from '@tributary/shared/synthesizers/mixture/schema'

/** A generator of each family at its default size, with random weights and flat marginals: cost depends on neither. */
export const benchGenerators: Readonly<Record<string, (sizes: readonly number[]) => Generator>> = {
  autoregressive(sizes) {
    const network = networkOf(layoutOf(sizes), defaultSettings)
    const random = counterRandom(1, 9)
    const params = Float32Array.from({ length: network.dimension }, (_, i) => 0.1 * random.normal(i, 0))
    return autoregressiveGenerator({ network, params, ...flat(sizes) })
  },
  mixture(sizes) {
    const layout = layoutOf(sizes)
    const { components } = mixtureSchema.parse({ name: 'mixture' })
    const random = counterRandom(1, 13)
    const outcome = sizes.length - 1
    const weights = Float32Array.from(
      { length: (layout.cells + 1) * sizes[outcome]! },
      (_, i) => 0.1 * random.normal(i, 0),
    )
    const law = { outcome, weights }
    return mixtureGenerator({ layout, components, probabilities: products(layout, components), law, ...flat(sizes) })
  },
  gan(sizes) {
    const layout = layoutOf(sizes)
    const { draws } = ganSchema.parse({ name: 'gan' })
    const weights = new Float64Array(draws).fill(1 / draws)
    return ganGenerator({ layout, shares: products(layout, draws), weights, ...flat(sizes) })
  },
}

const flat = (sizes: readonly number[]) => ({
  marginals: Float64Array.from(sizes.flatMap((size) => Array<number>(size).fill(1 / size))),
  levels: sizes.map(() => null),
})

/** components x cells: a random softmax of every column. */
const products = ({ sizes, cells }: Layout, components: number): Float32Array => {
  const random = counterRandom(1, 11)
  const shares = new Float32Array(components * cells)
  let at = 0
  for (let b = 0; b < components; b++)
    for (const size of sizes) {
      const column = shares.subarray(at, at + size)
      for (let a = 0; a < size; a++) column[a] = Math.exp(random.normal(at + a, 0))
      const total = column.reduce((sum, share) => sum + share, 0)
      for (let a = 0; a < size; a++) column[a] = column[a]! / total
      at += size
    }
  return shares
}
