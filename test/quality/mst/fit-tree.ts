import { type Marginals, marginalsOf, type Potentials, type RootedTree } from './tree-model.ts'

/** Noisy counts, and 1 / variance of each of them. */
export interface Measured {
  readonly counts: Float64Array
  readonly precision: Float64Array
}

/** By column, and by column with its parent; null where nothing was measured. */
export interface TreeMeasurements {
  readonly own: readonly (Measured | null)[]
  readonly withParent: readonly (Measured | null)[]
}

const mostPasses = 2000
const tolerance = 1e-10

/** The total that the measurements agree on: their sums, weighted by inverse variance. At least 1. */
export const totalOf = ({ own, withParent }: TreeMeasurements): number => {
  let [sum, weight] = [0, 0]
  for (const measured of [...own, ...withParent]) {
    if (measured === null) continue
    const variance = measured.precision.reduce((variance, precision) => variance + 1 / precision, 0)
    sum += measured.counts.reduce((total, count) => total + count, 0) / variance
    weight += 1 / variance
  }
  return Math.max(sum / weight, 1)
}

/**
 * The distribution over the tree whose expected counts are nearest to the measured ones, in squared distance over variance:
 * entropic mirror descent on the marginals with exact inference (McKenna, Sheldon and Miklau 2019, algorithm 1), step halved until it
 * descends. Returns consistent marginals. Cost: up to 2,000 times the cells of the edges.
 */
export const fitTree = (tree: RootedTree, sizes: readonly number[], measurements: TreeMeasurements): Marginals => {
  const total = totalOf(measurements)
  let potentials: Potentials = {
    own: sizes.map((size) => new Float64Array(size)),
    withParent: sizes.map((size, j) => new Float64Array(tree.parent[j]! < 0 ? 0 : size * sizes[tree.parent[j]!]!)),
  }
  let marginals = marginalsOf(tree, potentials)
  let loss = lossOf(measurements, marginals, total)
  let step = 1 / total ** 2
  for (let pass = 0, still = 0; pass < mostPasses && still < 20; pass++) {
    const gradient = gradientOf(measurements, marginals, total)
    step *= 2
    let next: { potentials: Potentials; marginals: Marginals; loss: number } | null = null
    for (let halving = 0; halving < 60 && next === null; halving++, step /= 2) {
      const moved = stepped(potentials, gradient, step)
      const reached = marginalsOf(tree, moved)
      const there = lossOf(measurements, reached, total)
      if (there <= loss) next = { potentials: moved, marginals: reached, loss: there }
    }
    if (next === null) break
    step *= 2
    still = loss - next.loss <= tolerance * loss ? still + 1 : 0
    ;({ potentials, marginals, loss } = next)
  }
  return marginals
}

const lossOf = (measurements: TreeMeasurements, marginals: Marginals, total: number): number => {
  let loss = 0
  each(measurements, marginals, ({ counts, precision }, shares) => {
    for (let i = 0; i < counts.length; i++) loss += (precision[i]! * (total * shares[i]! - counts[i]!) ** 2) / 2
  })
  return loss
}

const gradientOf = (measurements: TreeMeasurements, marginals: Marginals, total: number): Marginals => {
  const of = (measured: readonly (Measured | null)[], shares: readonly Float64Array[]) =>
    shares.map((share, j) => {
      const own = measured[j]
      if (!own) return new Float64Array(share.length)
      return share.map((value, i) => total * own.precision[i]! * (total * value - own.counts[i]!))
    })
  return {
    own: of(measurements.own, marginals.own),
    withParent: of(measurements.withParent, marginals.withParent),
  }
}

const each = (
  measurements: TreeMeasurements,
  marginals: Marginals,
  visit: (measured: Measured, shares: Float64Array) => void,
): void => {
  for (const place of ['own', 'withParent'] as const)
    measurements[place].forEach((measured, j) => {
      if (measured !== null) visit(measured, marginals[place][j]!)
    })
}

const stepped = (potentials: Potentials, gradient: Marginals, step: number): Potentials => {
  const moved = (from: readonly Float64Array[], along: readonly Float64Array[]) =>
    from.map((values, j) => values.map((value, i) => value - step * along[j]![i]!))
  return { own: moved(potentials.own, gradient.own), withParent: moved(potentials.withParent, gradient.withParent) }
}
