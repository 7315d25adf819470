import type { Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { pack } from '@tributary/shared/synthesizers/autoregressive/network'
import { mixtureSchema } from '@tributary/shared/synthesizers/mixture/schema'
import { mostSquaredLength } from '@tributary/shared/synthesizers/mixture/pair-weights'
import { canaryNetwork, canaryStudy } from './canary-study.ts'

/** What of a query's opened sums speaks for a canary: one coordinate, its own. */
export interface CanaryPlaces {
  readonly query: number
  readonly placeOf: (canary: number) => number
  /** What the canary's vector holds there when it is drawn, in units of the clip norm. */
  readonly weight: number
  /** The part of that, at most, which another canary's vector takes off there. */
  readonly crosstalk: number
}

/** Canaries for an adversary who sees every opened sum and chooses the weights that are announced. */
export interface CanaryDesign {
  readonly manifest: Manifest
  readonly canaries: number
  readonly codesOf: (canary: number) => readonly number[]
  /** Codes of the patients who are no canaries. */
  readonly ordinary: readonly number[]
  readonly parameters: Float32Array
  readonly places: readonly CanaryPlaces[]
}

/**
 * One column, a level for each canary and one for the others: the histogram counts each canary in a cell of its own, and with
 * all weights 0 so does the gradient, (1/levels everywhere) - (1 at the level): unsampled and sampled releases alike.
 */
export const ownLevels = (canaries: number): CanaryDesign => {
  const manifest = canaryStudy({
    name: 'own-levels',
    levels: [canaries + 1],
    epsilon: 2,
    family: canaryNetwork({ hidden: 1, steps: 28, samplingRate: 0.1, marginalsShare: 0.5 }),
  })
  const { dimension, outputBias } = networkOfStudy(manifest)
  return {
    manifest,
    canaries,
    codesOf: (canary) => [canary],
    ordinary: [canaries],
    parameters: new Float32Array(dimension),
    places: [
      { query: 0, placeOf: (canary) => canary, weight: 1, crosstalk: 0 },
      { query: 1, placeOf: (canary) => outputBias + canary, weight: -1, crosstalk: 1 / canaries },
    ],
  }
}

/** Activation of the hidden unit that answers a canary's first level: its gradients are far above the clip norm. */
const activation = 16

/**
 * Two columns of k levels, a canary for each pair, through a hidden layer: unit i answers level i of the first column alone and
 * loudly, so the gradient of pair (i, j) lies in the weights from unit i to the second column's levels, before the clip about
 * `activation` long. What the clip lets through, and what the ghost norm takes it for, is seen here.
 */
export const pairsOfLevels = (k: number): CanaryDesign => {
  const manifest = canaryStudy({
    name: 'pairs-of-levels',
    levels: [k + 1, k],
    epsilon: 2,
    family: canaryNetwork({ hidden: k, steps: 28, samplingRate: 0.1, marginalsShare: 0.05 }),
  })
  const network = networkOfStudy(manifest)
  const { cells } = network.layout
  const inputHidden = new Float32Array(cells * k)
  for (let i = 0; i < k; i++) inputHidden[i * k + i] = activation
  const parameters = pack(network, {
    inputHidden,
    hiddenBias: new Float32Array(k),
    hiddenOutput: new Float32Array(k * cells),
    inputOutput: new Float32Array(cells * cells),
    outputBias: new Float32Array(cells),
  })
  return {
    manifest,
    canaries: k * k,
    codesOf: (canary) => [Math.floor(canary / k), canary % k],
    ordinary: [k, 0],
    parameters,
    places: [
      {
        query: 1,
        placeOf: (canary) => network.hiddenOutput.at[Math.floor(canary / k)]! + (canary % k),
        // The squared norm is (1 - 1/k) (activation^2 + 2) + 1 - 1/(k + 1): second column and its skip, then the first.
        weight: -(activation * (1 - 1 / k)) / Math.sqrt((1 - 1 / k) * (activation ** 2 + 2) + k / (k + 1)),
        crosstalk: 1 / (k - 1),
      },
    ],
  }
}

/**
 * Two columns of k levels, a canary for each pair, counted as a table of two columns: the adversary gives that one pair all the
 * weight that a site accepts, and its levels groups of their own. Released `steps` times and once more.
 */
export const countedPairs = (k: number): CanaryDesign => {
  const sizes = [k + 1, k + 1] as const
  const family = mixtureSchema.parse({
    name: 'mixture',
    most_groups: 65_535,
    marginals_share: 0.05,
    steps: { marginals: 1, pairs: 7 },
    spares: { marginals: 0, pairs: 1 },
  })
  const kept = (1 - 1 / sizes[0]) * (1 - 1 / sizes[1])
  const weight = Math.fround(Math.sqrt(mostSquaredLength / kept) * (1 - 2 ** -20))
  return {
    manifest: canaryStudy({ name: 'counted-pairs', levels: sizes, epsilon: 2, family }),
    canaries: k * k,
    codesOf: (canary) => [Math.floor(canary / k), canary % k],
    // The levels of the others are no canary's, so that they shift all places alike.
    ordinary: [k, k],
    parameters: Float32Array.of(...sizes.flatMap((size) => [...Array(size).keys()]), weight),
    places: [
      {
        query: 1,
        placeOf: (canary) => Math.floor(canary / k) * (k + 1) + (canary % k),
        weight: weight * kept,
        // Canaries that share a level take off as much on average whether this one is there or not.
        crosstalk: 0,
      },
    ],
  }
}
