import { CodedError } from '@tributary/shared/errors'
import { scorerLength } from '@tributary/shared/evaluation/scorer'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import { decodeParameters } from '@tributary/shared/synthesizers/parameters'
import type { Body } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import type { ApprovedStudy } from '../policy/approved-study.ts'

/** The weights, or for scores the scorer, that a broadcast is about. Throws `ROUND_REFUSED` for others than the announced ones. Cost: one download. */
export const roundModel = async (
  client: Pick<CoordinatorClient, 'model'>,
  { queries, manifest }: ApprovedStudy,
  { round, model, query }: Body<'broadcast'>,
): Promise<Float32Array> => {
  const parts: Uint8Array[] = []
  for await (const part of client.model(round)) parts.push(part)
  const bytes = new Uint8Array(Buffer.concat(parts))
  if (hashBytes(bytes) !== model) throw new CodedError('ROUND_REFUSED', 'the model is not the one that was announced')
  const shape = queries[query]?.kind === 'scores' ? scoreShapeOf(manifest) : null
  const dimension = shape === null ? queries.find(({ kind }) => kind === 'gradient')?.dimension : scorerLength(shape)
  return decodeParameters(bytes, dimension ?? queries[query]?.dimension ?? 0)
}
