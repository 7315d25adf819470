import { batchCapacity, roomFor } from '@tributary/shared/dp/batch-capacity'
import type { Query } from '@tributary/shared/dp/query'
import { CodedError } from '@tributary/shared/errors'
import type { RandomStreams } from '@tributary/shared/ports'
import type { Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/study/network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { gradientSum, marginalSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import type { Network } from '@tributary/shared/synthesizers/autoregressive/network'
import type { ClippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import type { Engine } from '@tributary/shared/tensor/engine'
import type { EncodedRecords } from '../records/encoded-records.ts'
import { Contribution } from './contribution.ts'
import { noisedIntegers } from './noise.ts'
import { sampleAllRows, sampleOneRow, type SampleRoom } from './sample.ts'

/** What is asked of a site, without a word about its patients. */
export interface QueryOrder {
  readonly manifest: Manifest
  /** Whose promised counts size the batch. */
  readonly site: string
  /** Which query of `manifest.plan`. */
  readonly queryIndex: number
  /** The announced model; only a gradient looks at it. */
  readonly parameters: Float32Array
}

export interface QueryExecution extends QueryOrder {
  readonly records: EncodedRecords
  readonly engine: Engine
  /** Fresh for this attempt (R5, R16): a retry that reused coins or noise would cost nearly twice. */
  readonly streams: RandomStreams
}

/**
 * Answers one query of a frozen plan once: a Poisson coin per unit at the plan's rate; per drawn unit one vector of L2 norm at most
 * the clip norm (a gradient: one uniformly drawn row; marginals: the mean of all its rows); their sum, rounded, saturated,
 * noised. An empty draw runs like any other, and nothing else of the rows comes out. Neighbours add or remove one unit; with
 * `federation.noise_shares` such shares in the sum, it is the sampled Gaussian release that dp/plan-price prices.
 *
 * Batches are padded to a size that follows from the plan and this site's promised counts (R10, dp/batch-capacity): coins thrown,
 * shapes of tensors and work are the same for a hospital without patients and for a full one. A table larger than promised gets
 * the next rung of a coarse ladder, so that only how badly the promise is broken shows; its officer was told when the source was
 * checked.
 *
 * Throws before a row is read: `ROUND_REFUSED` for a query or parameters that the plan does not have, `NOISE_REFUSED` for
 * noise too small for its multiplier. Cost: one pass over the promised units, plus the clipped sum of a full batch.
 */
export const executeQuery = async (execution: QueryExecution): Promise<Contribution> => {
  const { manifest, queryIndex, records, parameters, streams } = execution
  const query = queriesOf(manifest.plan)[queryIndex]
  if (query === undefined) throw new CodedError('ROUND_REFUSED', `the plan has no query ${queryIndex}`)
  const network = networkOfStudy(manifest)
  if (query.kind === 'gradient') refuseUnfitParameters(parameters, network)
  refuseWeakNoise(query, manifest.federation.noise_shares)
  refuseOtherRecords(records, manifest)
  return new Contribution(query, noisedIntegers(clippedSumOf(execution, query, network), query, streams))
}

const clippedSumOf = (execution: QueryExecution, query: Query, network: Network): ClippedSum => {
  const { records, parameters, engine, streams } = execution
  const { samplingRate, clipNorm } = query
  const room = roomOf(execution, query)
  switch (query.kind) {
    case 'marginals': {
      const { cells, rowsPerUnit, drawn } = sampleAllRows(records, samplingRate, streams('sampling'), room)
      return marginalSum(network.layout, cells, rowsPerUnit, drawn)
    }
    case 'gradient': {
      const { cells, drawn } = sampleOneRow(records, samplingRate, streams('sampling'), streams('record'), room)
      return gradientSum(engine, network, parameters, cells, clipNorm, drawn)
    }
  }
}

/** Marginals have room for every row; a sampled gradient for the draw of the promised units. */
const roomOf = ({ manifest, site, records }: QueryExecution, query: Query): SampleRoom => {
  const { sites, privacy, plan } = manifest
  const promised = sites.find(({ name }) => name === site)
  if (promised === undefined) throw new CodedError('ROUND_REFUSED', `the study has no site ${site}`)
  const { promised_patients: patients, promised_rows: rows } = promised
  const units = roomFor(records.units, privacy.unit === 'row' ? rows : patients)
  if (query.kind === 'marginals') return { units, rows: roomFor(records.rows, rows) }
  return { units, rows: batchCapacity(query, queriesOf(plan), manifest, units) }
}

/** R14: what the coordinator sent is looked at before any row is. */
const refuseUnfitParameters = (parameters: Float32Array, { dimension }: Network): void => {
  if (parameters.length !== dimension) {
    throw new CodedError('ROUND_REFUSED', `${dimension} parameters expected, got ${parameters.length}`)
  }
  if (!parameters.every(Number.isFinite)) throw new CodedError('ROUND_REFUSED', 'a parameter is not finite')
}

/** The approved plan was checked when it was approved; a site that is about to add noise looks once more. */
const refuseWeakNoise = ({ grid, noiseMultiplier, clipNorm }: Query, noiseShares: number): void => {
  const share = grid.shareSteps * grid.step
  if (!(share * Math.sqrt(noiseShares) >= noiseMultiplier * clipNorm * (1 - 1e-9))) {
    throw new CodedError(
      'NOISE_REFUSED',
      `a noise share of ${share} is too small for noise multiplier ${noiseMultiplier}`,
    )
  }
}

const refuseOtherRecords = (records: EncodedRecords, { columns, privacy }: Manifest): void => {
  if (records.columns !== columns.length || (records.unitStart === null) !== (privacy.unit === 'row')) {
    throw new CodedError('INTERNAL', 'the records were not loaded for this study')
  }
}
