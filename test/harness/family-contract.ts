import { parseStudy } from '@tributary/shared/study/manifest'
import { familySchema, type StudyDraft } from '@tributary/shared/study/study-schema'
import { type ClippedSum, floatSlack } from '@tributary/shared/synthesizers/clipped-sum'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { Family, FamilyQuery, FamilyStudy, FamilyTraining } from '@tributary/shared/synthesizers/family'
import type { Engine } from '@tributary/shared/tensor/engine'

/** The rows of each unit, codes of the study's levels. */
export type Units = readonly (readonly Uint16Array[])[]

type FamilyName = Family['name']

/** Every family that a study file may name. */
export const familyNames: readonly FamilyName[] = familySchema.options.map(({ shape }) => shape.name.value)

/** Small and quick, and with steps so long that announced weights are far from where they began. */
const smallBlocks: Record<FamilyName, string> = {
  autoregressive: '{ name: autoregressive, hidden: 9, steps: 4, learning_rate: 1',
  mixture: '{ name: mixture, components: 20, fit_steps: 20, residual_rounds: 1, steps: { marginals: 2, pairs: 2 }',
  gan: '{ name: gan, draws: 32, latents: 3, hidden: 5, critic_hidden: 6, critic_learning_rate: 1, generator_steps: 8, steps: 4',
}
const mostGroups: Record<FamilyName, string> = {
  autoregressive: 'most_levels',
  mixture: 'most_groups',
  gan: 'most_levels',
}

/** Levels of the columns of `smallStudy`. */
export const smallSizes = [3, 2, 6, 2] as const

/** Four columns, unit patient, three hospitals. `groups`: a column with more levels is modelled by so many groups. */
export const smallStudy = (name: FamilyName, groups = 64): StudyDraft => {
  const columns = smallSizes.map((size, j) => `{ name: c${j}, kind: categorical, levels: [${levels(size)}] }`)
  const text = `tributary: study/1
name: contract
purpose: test
source: { format: csv }
columns: [${columns.join(', ')}]
privacy: { patient_key: who, epsilon: 1, delta: 1.0e-5 }
family: ${smallBlocks[name]}, ${mostGroups[name]}: ${groups} }
sites: [${['n', 'o', 'p'].map((site) => `{ name: ${site}, promised_patients: 300, promised_rows: 900 }`).join(', ')}]
`
  return parseStudy(text, 'contract.yaml').draft
}

const levels = (size: number) => Array.from({ length: size }, (_, level) => `l${level}`).join(', ')

/** One query of a family in a study, as hospitals compute it: announced numbers and units in, a clipped sum out. */
export interface ContractQuery {
  readonly name: string
  readonly query: FamilyQuery
  /** As a training announces that was fed with noise alone: made of no table. */
  readonly announced: readonly Float32Array[]
  /** `padding`: rows with codes of real levels after those that count. */
  sum(announced: Float32Array, units: Units, padding?: number): ClippedSum
}

/** As many trainings a query as its contract is tried with. */
const seeds = [1, 2, 3] as const

export const contractQueries = async (family: Family, study: FamilyStudy, engine: Engine): Promise<ContractQuery[]> => {
  const queries = family.queries(study)
  const columns = study.columns.length
  const trainings = await Promise.all(seeds.map((seed) => noiseTraining(family, study, seed)))
  return queries.map((query, index) => ({
    name: `${family.name} ${query.kind}`,
    query,
    announced: trainings.map(({ before }) => before[index]!),
    sum: (announced, units, padding = 0) => {
      const taken = query.kind === 'gradient' ? units.map((rows) => rows.slice(0, 1)) : units
      const rows = taken.flat()
      const cells = new Uint16Array((rows.length + padding) * columns)
      rows.forEach((row, r) => cells.set(row, r * columns))
      const rowsPerUnit = query.kind === 'gradient' ? null : Uint32Array.from(taken, ({ length }) => length)
      return family.clippedSum(
        study,
        index,
        announced,
        engine,
      )({ cells, drawn: rows.length, rowsPerUnit, counts: null })
    },
  }))
}

/** A whole training on noise; `before`: by query, what was announced before its last release. */
export const noiseTraining = async (
  family: Family,
  study: FamilyStudy,
  seed: number,
): Promise<{ before: Float32Array[]; training: FamilyTraining; stages: FamilyTraining[] }> => {
  let training = family.initial(study, seed)
  const before: Float32Array[] = []
  const stages = [training]
  for (const [index, { steps, dimension, clipNorm }] of family.queries(study).entries())
    for (let within = 0; within < steps; within++) {
      before[index] = training.announce({ index, within })
      const noise = 8 * clipNorm
      const sum = noiseOf(dimension, 100 * seed + 10 * index + within).map((value) => 60 + noise * value)
      training = await training.after({ index, within, steps, divisor: 300, noise }, sum)
      stages.push(training)
    }
  return { before, training, stages }
}

const noiseOf = (length: number, seed: number): Float64Array => {
  const random = counterRandom(seed, 3)
  return Float64Array.from({ length }, (_, i) => random.normal(i, 0))
}

const norm = (vector: ArrayLike<number>) => Math.hypot(...Array.from(vector))
const minus = (one: Float64Array, other: Float64Array) => one.map((value, i) => value - other[i]!)

/**
 * What R10 and R23 forbid, found by behaviour: a unit's vector that hangs on who else is in the batch (normalisation over the batch,
 * several patients packed into one input), on how many rows it has, on padding, or on what was computed before (frequencies kept
 * from real rows), or that is longer than declared. Empty when the contract holds for this batch.
 */
export const contractBreaches = (of: ContractQuery, units: Units, other: Units, seed: number): string[] => {
  const announced = of.announced[seed % of.announced.length]!
  const sumOf = (these: Units, padding?: number) => of.sum(announced, these, padding)
  const whole = sumOf(units)
  const limit = whole.sensitivity
  const tolerance = floatSlack * limit
  const breaches = new Set<string>()
  if (limit !== of.query.clipNorm || whole.sum.length !== of.query.dimension)
    breaches.add('not the vector that is planned')
  const alone = units.map((unit) => sumOf([unit]).sum)
  if (alone.some((vector) => norm(vector) > limit)) breaches.add('a patient alone is longer than declared')
  const added = alone.reduce((sum, vector) => sum.map((value, i) => value + vector[i]!), sumOf([]).sum)
  if (norm(minus(whole.sum, added)) > tolerance) breaches.add('the sum is not the sum of its patients')
  units.forEach((unit, place) => {
    const rest = units.filter((_patient, i) => i !== place)
    if (norm(minus(minus(whole.sum, sumOf(rest).sum), alone[place]!)) > tolerance)
      breaches.add('a patient counts otherwise among others')
    if (norm(minus(sumOf([[...unit, ...unit]]).sum, alone[place]!)) > tolerance)
      breaches.add('a patient with twice the rows counts otherwise')
  })
  if (norm(minus(sumOf(units.toReversed()).sum, whole.sum)) > tolerance) breaches.add('the order of patients counts')
  if (norm(minus(sumOf(units, 5).sum, whole.sum)) > 0) breaches.add('padding counts')
  sumOf(other)
  if (norm(minus(sumOf(units).sum, whole.sum)) > 0) breaches.add('an earlier table is remembered')
  return [...breaches]
}
