import type { Engine } from '../../tensor/engine.ts'
import { counterRandom } from '../counter-random.ts'
import { denoise, residualTarget } from './denoise.ts'
import { type DescentGoal, descend, leastMargin } from './descent.ts'
import { pairShape } from './pair-layout.ts'
import { pairMatrix, pairVector } from './pair-matrix.ts'
import type { PairRelease, PairTarget } from './pair-release.ts'
import { normalise, type Products, productsFrom } from './products.ts'

export interface FitSettings {
  readonly components: number
  readonly steps: number
  readonly residualRounds: number
  /** Public. */
  readonly seed: number
}

const startSpread = 0.5
const startRate = 0.1
/** Steps of a residual round: half of the first, but not fewer than these unless the first had fewer. */
const leastResidualSteps = 150
/** Pull towards independent columns, times the noise of a pair's cell as a share. */
const pullPerNoise = 0.2
const leastMass = 1e-3
const massExponent = 0.25

/**
 * A mixture of products of independent columns fitted to a release, components x cells, row-major, each column of each component
 * adding up to 1; all components weigh the same. First to the denoised pairs, then `residualRounds` times to the fitted pairs plus
 * what the release still shows beyond them. Post-processing, free of privacy cost. Equal inputs give equal results on one engine;
 * between engines the order of float32 sums differs, so that a finished fit is stored and never repeated elsewhere.
 * Cost: about 4 x components x cells^2 flops a step; memory 3 cells^2 and 5 components x cells floats.
 */
export const fitMixture = (engine: Engine, release: PairRelease, settings: FitSettings): Float32Array => {
  const { pairs } = release
  const { layout } = pairs
  const first = denoise(release)
  const random = counterRandom(settings.seed, 0)
  const logits = Float32Array.from(
    { length: settings.components * layout.cells },
    (_, i) => Math.log(Math.max(first.margins[i % layout.cells]!, leastMargin)) + startSpread * random.normal(i, 0),
  )
  const products = productsFrom(layout, settings.components, logits)
  if (pairs.pairs === 0) {
    normalise(products)
    return products.probabilities
  }
  const pull = pullPerNoise * (medianNoise(release) / release.units)
  const descendTo = (target: PairTarget, steps: number, rate: number) =>
    descend(engine, products, goalOf(release, target, pull), steps, rate)
  descendTo(first, settings.steps, startRate)
  const residualSteps = Math.max(Math.floor(settings.steps / 2), Math.min(settings.steps, leastResidualSteps))
  for (let round = 0; round < settings.residualRounds; round++)
    descendTo(residualTarget(release, fittedPairs(engine, products, release)), residualSteps, startRate / 2)
  return products.probabilities
}

const goalOf = (release: PairRelease, target: PairTarget, pull: number): DescentGoal => ({
  pairs: pairMatrix(release.pairs, target.pairs),
  weights: pairMatrix(release.pairs, cellWeights(release, target)),
  margins: target.margins,
  pull,
})

/** (p_a p_b)^(-1/4), so that rare cells are not forgotten; 1 on average before the pairs' trust comes in. */
const cellWeights = ({ pairs }: PairRelease, { margins, trust }: PairTarget): Float64Array => {
  const { offsets } = pairs.layout
  const mass = margins.map((share) => Math.max(share, leastMass) ** -massExponent)
  const weights = new Float64Array(pairs.dimension)
  let total = 0
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const weight = mass[offsets[i]! + r]! * mass[offsets[j]! + c]!
        total += weight
        weights[at + r * columns + c] = weight * trust[pair]!
      }
  }
  return weights.map((weight) => (weight * pairs.dimension) / total)
}

const fittedPairs = (engine: Engine, products: Products, { pairs }: PairRelease): Float64Array => {
  const { components, probabilities, transposed, layout } = products
  const left = engine.matrix(transposed, layout.cells, components)
  const right = engine.matrix(probabilities, components, layout.cells)
  try {
    return pairVector(pairs, engine.product(left, right), 1 / components)
  } finally {
    left.dispose()
    right.dispose()
  }
}

/** Of the pairs that were measured; 0 when none was. */
const medianNoise = ({ sigma }: PairRelease): number => {
  const measured = sigma.filter((value) => value < Number.POSITIVE_INFINITY).sort()
  return measured[measured.length >> 1] ?? 0
}
