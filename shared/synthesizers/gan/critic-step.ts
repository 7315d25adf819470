import type { Generator } from '../../generator/generator.ts'
import { counterRandom } from '../counter-random.ts'
import { descend, type Moments } from './adam.ts'
import { networkStep } from './clipped-sum.ts'
import type { Critic } from './critic.ts'

/** Rows that the generator draws for the critic to compare with. */
const fakeRows = 4096
/** The network's weights shrink by this part a step, so that noise does not let them grow for ever. */
const decay = 1e-3
/** What a round adds to the running mean of the gap. */
const freshness = 0.2

/** The critic's network between rounds. */
export interface CriticState {
  readonly params: Float32Array
  readonly moments: Moments
  /** Running mean of the real rows' mean D less the fake rows', clipped, over the deviation of clipped D at fake rows. */
  readonly gap: number
}

/**
 * One step of the critic's network up the difference of its mean clipped gradients at real rows (`real`, noisy) and at rows drawn
 * from the generator, which go through the same clipping: where both follow one law the expected difference is 0, whatever was
 * clipped. Wasserstein's loss (Arjovsky et al. 2017): the gradient at a real row needs that row alone, the fake part and the decay
 * are free. `strength`: what the generator multiplies D with, its gap over its deviation; 0 where it cannot tell the rows apart.
 * Cost: 4,096 x columns x hidden.
 */
export const criticStep = (
  critic: Critic,
  before: CriticState,
  real: Float64Array,
  fake: Pick<Generator, 'drawRows'>,
  { target, rate, round, seed }: { target: number; rate: number; round: number; seed: number },
): CriticState & { readonly strength: number } => {
  const { hidden, output, weights, pairs } = critic
  const columns = pairs.layout.sizes.length
  const cells = fake.drawRows(counterRandom(seed, 14), round * fakeRows, fakeRows)
  const rows = Array.from({ length: fakeRows }, (_, r) => cells.subarray(r * columns, (r + 1) * columns))
  const sum = new Float64Array(critic.dimension)
  const step = networkStep(critic, before.params, target)
  // D is v . (dD/dv), so a row's clipped D is how far its clipped gradient moves along v.
  const alongOutput = () => {
    let along = 0
    for (let k = 0; k < hidden; k++) along += before.params[output + k]! * sum[pairs.dimension + output + k]!
    return along
  }
  let last = 0
  const clipped = rows.map((row) => {
    step(row, 1, sum)
    const along = alongOutput()
    const value = along - last
    last = along
    return value
  })
  const slope = Float64Array.from({ length: weights }, (_, i) => sum[pairs.dimension + i]! / fakeRows - real[i]!)
  let found = 0
  for (let k = 0; k < hidden; k++) found -= before.params[output + k]! * slope[output + k]!
  const spread = deviation(clipped)
  const fresh = spread > 0 ? found / spread : 0
  const gap = round === 0 ? fresh : (1 - freshness) * before.gap + freshness * fresh
  const params = before.params.slice()
  const moments = descend(
    params,
    { ...before.moments, first: before.moments.first.slice(), second: before.moments.second.slice() },
    slope,
    rate,
  )
  for (let i = 0; i < weights; i++) params[i] = params[i]! * (1 - decay)
  const after = deviation(rows.map((row) => valueAt(critic, params, row)))
  return { params, moments, gap, strength: after > 0 ? Math.min(Math.max(gap, 0), 1) / after : 0 }
}

/** D's network at a row. */
const valueAt = ({ hidden, bias, output, pairs }: Critic, params: Float32Array, row: Uint16Array) => {
  let value = 0
  for (let k = 0; k < hidden; k++) {
    let unit = params[bias + k]!
    row.forEach((code, j) => (unit += params[(pairs.layout.offsets[j]! + code) * hidden + k]!))
    if (unit > 0) value += params[output + k]! * unit
  }
  return value
}

const deviation = (values: readonly number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}
