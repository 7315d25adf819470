import type { Manifest } from '@tributary/shared/study/manifest'
import { gradientSum, marginalSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { type Layout, layoutOf } from '@tributary/shared/synthesizers/cells'
import { type ClippedSum, floatSlack } from '@tributary/shared/synthesizers/clipped-sum'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { Engine } from '@tributary/shared/tensor/engine'
import { clipNorm } from '@tributary/shared/units'

/** Rows of each patient in a batch: as many as the query takes of a patient. */
export type Batch = readonly (readonly Uint16Array[])[]

/** One query of a synthesizer family, as hospitals compute it: announced numbers and patients in, a clipped sum out. */
export interface FamilyQuery {
  readonly name: string
  readonly layout: Layout
  readonly rowsPerPatient: number
  /** Random announced numbers, as a coordinator may send them: made of no table. */
  announced(seed: number): Float32Array
  sum(announced: Float32Array, batch: Batch): ClippedSum
}

const flat = (batch: Batch) => Uint16Array.from(batch.flatMap((rows) => rows.flatMap((row) => [...row])))

const normals = (length: number, seed: number): Float32Array => {
  const random = counterRandom(seed, 3)
  return Float32Array.from({ length }, (_, i) => 0.6 * random.normal(i, 0))
}

type FamilyName = Manifest['family']['name']

/** Every family that a study file may name: a new one does not compile until it stands here. */
export const familyQueries = (engine: Engine): Record<FamilyName, readonly FamilyQuery[]> => {
  const layout = layoutOf([3, 2, 4, 2])
  const network = networkOf(layout, { ...defaultSettings, hidden: 9 })
  return {
    autoregressive: [
      {
        name: 'marginals',
        layout,
        rowsPerPatient: 3,
        announced: () => new Float32Array(0),
        sum: (_, batch) =>
          marginalSum(
            layout,
            flat(batch),
            Uint32Array.from(batch, ({ length }) => length),
          ),
      },
      {
        name: 'gradient',
        layout,
        rowsPerPatient: 1,
        announced: (seed) => normals(network.dimension, seed),
        sum: (announced, batch) => gradientSum(engine, network, announced, flat(batch), clipNorm(1)),
      },
    ],
  }
}

const norm = (vector: ArrayLike<number>) => Math.hypot(...Array.from(vector))
const minus = (one: Float64Array, other: Float64Array) => one.map((value, i) => value - other[i]!)

/**
 * What R23 forbids, found by behaviour: a patient's vector that hangs on who else is in the batch (normalisation over the batch,
 * several patients packed into one input) or on what was computed before (frequencies kept from real rows), or that is longer than
 * declared. Empty when the contract holds for this batch.
 */
export const contractBreaches = (query: FamilyQuery, batch: Batch, other: Batch, seed: number): string[] => {
  const announced = query.announced(seed)
  const sumOf = (of: Batch) => query.sum(announced, of)
  const whole = sumOf(batch)
  const limit = whole.sensitivity
  const tolerance = floatSlack * limit
  const breaches = new Set<string>()
  const alone = batch.map((patient) => sumOf([patient]).sum)
  if (alone.some((vector) => norm(vector) > limit)) breaches.add('a patient alone is longer than declared')
  const added = alone.reduce((sum, vector) => sum.map((value, i) => value + vector[i]!), sumOf([]).sum)
  if (norm(minus(whole.sum, added)) > tolerance) breaches.add('the sum is not the sum of its patients')
  batch.forEach((_, place) => {
    const rest = batch.filter((_patient, i) => i !== place)
    if (norm(minus(minus(whole.sum, sumOf(rest).sum), alone[place]!)) > tolerance)
      breaches.add('a patient counts otherwise among others')
  })
  if (norm(minus(sumOf(batch.toReversed()).sum, whole.sum)) > tolerance) breaches.add('the order of patients counts')
  sumOf(other)
  if (norm(minus(sumOf(batch).sum, whole.sum)) > 0) breaches.add('an earlier table is remembered')
  return [...breaches]
}
