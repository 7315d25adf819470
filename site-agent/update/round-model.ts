import { CodedError } from '@tributary/shared/errors'
import { queryFactsOf } from '@tributary/shared/dp/query-facts'
import { decodeParameters } from '@tributary/shared/synthesizers/parameters'
import type { Body } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import type { ApprovedStudy } from '../policy/approved-study.ts'

/** The numbers that a broadcast is about, as many as its query announces. Throws `ROUND_REFUSED` for others than the announced ones. Cost: one download. */
export const roundModel = async (
  client: Pick<CoordinatorClient, 'model'>,
  { manifest }: ApprovedStudy,
  { round, model, query }: Body<'broadcast'>,
): Promise<Float32Array> => {
  const parts: Uint8Array[] = []
  for await (const part of client.model(round)) parts.push(part)
  const bytes = new Uint8Array(Buffer.concat(parts))
  if (hashBytes(bytes) !== model) throw new CodedError('ROUND_REFUSED', 'the model is not the one that was announced')
  return decodeParameters(bytes, queryFactsOf(manifest)[query]?.announced ?? 0)
}
