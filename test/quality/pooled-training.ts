import { wireStepOf } from '@tributary/shared/dp/fold'
import { totalSteps, queryOfStep } from '@tributary/shared/dp/steps'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { Manifest } from '@tributary/shared/study/manifest'
import { queryFactsOf } from '@tributary/shared/dp/query-facts'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { Generator } from '@tributary/shared/generator/generator'
import { decodeParameters } from '@tributary/shared/synthesizers/parameters'
import type { Engine } from '@tributary/shared/tensor/engine'
import { Training } from '../../coordinator/model/training.ts'
import { integersOf } from '../../site-agent/contribution/contribution.ts'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { EncodedRecords, groupByPatient } from '../../site-agent/records/encoded-records.ts'
import type { PatientRows } from './hospital-table.ts'

/** As an agent holds them. */
export const recordsOf = ({ cells, patients }: PatientRows, manifest: Manifest): EncodedRecords => {
  const columns = manifest.columns.length
  if (manifest.privacy.unit === 'row') return new EncodedRecords(columns, cells, null)
  const numbers = new Map<string, number>()
  const patientOf = Uint32Array.from(patients, (patient) => {
    const number = numbers.get(patient) ?? numbers.size
    numbers.set(patient, number)
    return number
  })
  return groupByPatient(cells, patientOf, columns)
}

/** The product's own contributions in wire steps, fresh coins and noise each: one vector for each site. */
export const contributionsOf = async (
  manifest: Manifest,
  queryIndex: number,
  sites: readonly EncodedRecords[],
  parameters: Float32Array,
  engine: Engine,
): Promise<Float64Array[]> => {
  const vectors: Float64Array[] = []
  for (const [index, records] of sites.entries()) {
    const site = manifest.sites[index % manifest.sites.length]!.name
    const streams = osRandomStreams()
    vectors.push(integersOf(await executeQuery({ manifest, site, queryIndex, records, parameters, engine, streams })))
  }
  return vectors
}

/** Added in the clear: whole numbers far below 2^53, so exact. */
export const plainSum = (dimension: number, vectors: readonly Float64Array[]): Float64Array => {
  const sum = new Float64Array(dimension)
  for (const vector of vectors)
    vector.forEach((integer, i) => {
      sum[i] = sum[i]! + integer
    })
  return sum
}

/** What a coordinator opens when every site answers, its integers added in the clear instead of under encryption. */
export const openedSum = async (
  manifest: Manifest,
  queryIndex: number,
  sites: readonly EncodedRecords[],
  parameters: Float32Array,
  engine: Engine,
): Promise<Float64Array> => {
  const query = queriesOf(manifest.plan)[queryIndex]
  if (query === undefined) throw new Error(`the plan has no query ${queryIndex}`)
  const vectors = await contributionsOf(manifest, queryIndex, sites, parameters, engine)
  const wireStep = wireStepOf(query.grid)
  return plainSum(query.dimension, vectors).map((steps) => steps * wireStep)
}

/** The whole plan, one attempt a step. `seed` draws the initial weights alone. */
export const trainPooled = async (
  manifest: Manifest,
  sites: readonly EncodedRecords[],
  engine: Engine,
  seed: number,
): Promise<Generator> => {
  const queries = queriesOf(manifest.plan)
  const facts = queryFactsOf(manifest)
  let training = Training.initial(manifest, seed)
  for (let step = 0; step < totalSteps(queries); step++) {
    const { query } = queryOfStep(queries, step)
    const parameters = decodeParameters(training.parameters(step, manifest), facts[query]!.announced)
    const values = await openedSum(manifest, query, sites, parameters, engine)
    training = await training.after(step, { values, shares: sites.length, part: 1 }, manifest)
  }
  return (await training.finish()).release()
}
