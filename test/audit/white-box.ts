import { bernoulliMask } from '@tributary/shared/dp/uniform'
import type { RandomSource } from '@tributary/shared/ports'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { Engine } from '@tributary/shared/tensor/engine'
import { samplingRate } from '@tributary/shared/units'
import { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import { openedSum } from '../quality/pooled-training.ts'
import type { CanaryDesign, CanaryPlaces } from './canary-design.ts'

/** One opened sum, read at every canary's place: 1 for a canary that was drawn, plus the noise, in units of its weight. */
export type Reading = Float64Array

export interface Observation {
  /** 1: the canary is in the table. */
  readonly coins: Uint8Array
  /** For each of the design's places, one reading per attempt of its query. */
  readonly readings: readonly (readonly Reading[])[]
}

const ordinaryPatients = 500

/** Patients of two equal rows each. */
const tableOf = (patients: readonly (readonly number[])[]): EncodedRecords =>
  new EncodedRecords(
    patients[0]?.length ?? 1,
    Uint16Array.from(patients.flatMap((codes) => [...codes, ...codes])),
    Uint32Array.from({ length: patients.length + 1 }, (_, patient) => 2 * patient),
  )

/**
 * Throws a coin for each canary, puts those that fell on 1 into one hospital's table and runs the product's own queries, every
 * attempt that the plan pays for, at as many hospitals as the plan counts noise shares; the rest is what the audience adds
 * itself and takes off again. `open` is a mistake in a test of the audit. Cost: that of the contributions.
 */
export const observe = async (
  design: CanaryDesign,
  engine: Engine,
  random: RandomSource,
  open = openedSum,
): Promise<Observation> => {
  const { manifest, canaries, codesOf, ordinary, parameters } = design
  const coins = new Uint8Array(canaries)
  bernoulliMask(random, samplingRate(0.5), coins)
  const others = Array.from({ length: ordinaryPatients }, () => ordinary)
  const inside = [...coins.keys()].filter((canary) => coins[canary] === 1)
  const audited = tableOf([...others, ...inside.map(codesOf)])
  const sites = Array.from({ length: manifest.federation.noise_shares }, (_, i) =>
    i === 0 ? audited : tableOf(others),
  )
  const readings: Reading[][] = []
  for (const places of design.places) {
    const { attempts } = queriesOf(manifest.plan)[places.query]!
    const ofQuery: Reading[] = []
    for (let attempt = 0; attempt < attempts; attempt++)
      ofQuery.push(read(design, places, await open(manifest, places.query, sites, parameters, engine)))
    readings.push(ofQuery)
  }
  return { coins, readings }
}

/** Centred where it ought to be: of the canaries half are in the table, and of those `rate` drawn. */
const read = ({ manifest, canaries }: CanaryDesign, places: CanaryPlaces, sum: Float64Array): Reading => {
  const { clipNorm, samplingRate: rate } = queriesOf(manifest.plan)[places.query]!
  const scale = 1 / (places.weight * clipNorm)
  const reading = Float64Array.from({ length: canaries }, (_, canary) => sum[places.placeOf(canary)]! * scale)
  const shift = rate / 2 - reading.reduce((total, value) => total + value, 0) / canaries
  return reading.map((value) => value + shift)
}
