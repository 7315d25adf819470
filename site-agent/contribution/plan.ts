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
import { sampleAllRows, sampleOneRow } from './sample.ts'

export interface QueryExecution {
  readonly manifest: Manifest
  /** Which query of `manifest.plan`. */
  readonly queryIndex: number
  readonly records: EncodedRecords
  /** The announced model; only a gradient looks at it. */
  readonly parameters: Float32Array
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
 * Throws before a row is read: `ROUND_REFUSED` for a query or parameters that the plan does not have, `NOISE_REFUSED` for
 * noise too small for its multiplier. Cost: one pass over the units, plus the clipped sum of the rows drawn.
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
  switch (query.kind) {
    case 'marginals': {
      const { cells, rowsPerUnit } = sampleAllRows(records, query.samplingRate, streams('sampling'))
      return marginalSum(network.layout, cells, rowsPerUnit)
    }
    case 'gradient': {
      const { cells } = sampleOneRow(records, query.samplingRate, streams('sampling'), streams('record'))
      return gradientSum(engine, network, parameters, cells, query.clipNorm)
    }
  }
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
