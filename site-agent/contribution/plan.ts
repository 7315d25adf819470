import { batchCapacity, roomFor } from '@tributary/shared/dp/batch-capacity'
import { mostRowsOf, mostUnits } from '@tributary/shared/dp/exact-sizes'
import type { Query } from '@tributary/shared/dp/query'
import { CodedError } from '@tributary/shared/errors'
import { scoreSum } from '@tributary/shared/evaluation/score-sum'
import { type Scorer, scorerOf } from '@tributary/shared/evaluation/scorer'
import type { RandomStreams } from '@tributary/shared/ports'
import type { Manifest } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import type { ClippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import { familyOf } from '@tributary/shared/synthesizers/families'
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
  /** The announced numbers: what the family shows before this query, or the scorer. */
  readonly parameters: Float32Array
}

export interface QueryExecution extends QueryOrder {
  /** Patients that training may draw: all, but for those held out where the study has an evaluation (R22). */
  readonly records: EncodedRecords
  /** Patients that only the evaluation counts; none but for a study with one. */
  readonly heldOut?: EncodedRecords
  readonly engine: Engine
  /** Fresh for this attempt (R5, R16): a retry that reused coins or noise would cost nearly twice. */
  readonly streams: RandomStreams
}

/**
 * Answers one query of a frozen plan once: a Poisson coin per unit at the plan's rate; per drawn unit one vector of L2 norm at most
 * the clip norm (a gradient: one uniformly drawn row; all others: the mean of all its rows); their sum, rounded, saturated,
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
  const { manifest, queryIndex, streams } = execution
  const query = queriesOf(manifest.plan)[queryIndex]
  if (query === undefined) throw new CodedError('ROUND_REFUSED', `the plan has no query ${queryIndex}`)
  const answer = query.kind === 'scores' ? heldOutAnswer(execution, query) : trainingAnswer(execution, query)
  refuseWeakNoise(query, manifest.federation.noise_shares)
  refuseOtherRecords(execution)
  const clipped = answer()
  return new Contribution(query, noisedIntegers(clipped, query, streams))
}

/**
 * Over the patients that are not held out: the held-out ones are not in its reach. The announced numbers are checked at once (R14),
 * rows are read when it is called.
 */
const trainingAnswer = (execution: QueryExecution, query: Query): (() => ClippedSum) => {
  const { manifest, queryIndex, parameters, engine, records, streams } = execution
  const sumOf = familyOf(manifest.family.name).clippedSum(manifest, queryIndex, parameters, engine)
  return () => {
    const room = roomOf(execution, query, records)
    const [rate, coins] = [query.samplingRate, streams('sampling')]
    if (query.kind !== 'gradient') return sumOf(sampleAllRows(records, rate, coins, room))
    return sumOf(sampleOneRow(records, rate, coins, streams('record'), room))
  }
}

/** Over the held-out patients alone, in the same way. */
const heldOutAnswer = (execution: QueryExecution, query: Query): (() => ClippedSum) => {
  const { manifest, parameters, heldOut, streams } = execution
  const scorer = announcedScorer(manifest, parameters)
  return () => {
    if (heldOut === undefined) throw otherRecords()
    const room = roomOf(execution, query, heldOut)
    const { cells, rowsPerUnit, drawn } = sampleAllRows(heldOut, query.samplingRate, streams('sampling'), room)
    return scoreSum(scorer, cells, rowsPerUnit, drawn)
  }
}

/** R14: throws `ROUND_REFUSED` for numbers that are no scorer of this study. */
const announcedScorer = (manifest: Manifest, parameters: Float32Array): Scorer => {
  const shape = scoreShapeOf(manifest)
  if (shape === null) throw new CodedError('ROUND_REFUSED', 'the study has no evaluation')
  return scorerOf(shape, parameters)
}

/**
 * Marginals, pairs and scores have room for every row of the table; a sampled gradient for the draw of the promised units. The plan was
 * checked for what is promised: a table so much larger that sums would not be exact, or places not random (R15), is refused.
 */
const roomOf = ({ manifest, site }: QueryExecution, query: Query, records: EncodedRecords): SampleRoom => {
  const { sites, privacy, plan } = manifest
  const promised = sites.find(({ name }) => name === site)
  if (promised === undefined) throw new CodedError('ROUND_REFUSED', `the study has no site ${site}`)
  const { promised_patients: patients, promised_rows: rows } = promised
  const units = roomFor(records.units, privacy.unit === 'row' ? rows : patients)
  if (units > mostUnits) throw tooLarge()
  if (query.kind !== 'gradient') return { units, rows: roomFor(records.rows, rows) }
  const capacity = batchCapacity(query, queriesOf(plan), manifest, units)
  if (capacity > mostRowsOf(query.dimension)) throw tooLarge()
  return { units, rows: capacity }
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

const tooLarge = () =>
  new CodedError('ROUND_REFUSED', 'the table is so much larger than promised that its sums would not be exact')

const otherRecords = () => new CodedError('INTERNAL', 'the records were not loaded for this study')

/** A study with an evaluation whose table was not parted would train on patients that are held out. */
const refuseOtherRecords = ({ records, heldOut, manifest }: QueryExecution): void => {
  const { columns, privacy, evaluation } = manifest
  const isFit = (part: EncodedRecords) =>
    part.columns === columns.length && (part.unitStart === null) === (privacy.unit === 'row')
  if (!isFit(records) || (heldOut !== undefined && !isFit(heldOut))) throw otherRecords()
  if ((heldOut === undefined) !== (evaluation === undefined)) throw otherRecords()
}
