import type { Digest, RoundId } from '@tributary/shared/ids'
import { stepsPerEpoch } from '@tributary/shared/study/epoch'
import { asBuffer, signedFields } from '@tributary/shared/wire/envelope'
import { chunksOf } from '@tributary/shared/wire/envelope-chunks'
import { taskMessage } from '@tributary/shared/wire/envelope-task'
import { offerFields, partFields, stateFields } from '@tributary/shared/wire/envelope-upload'
import type { DealtBox, Task } from '@tributary/shared/wire/federation-api'
import { Federation, Rounds } from '@tributary/shared/wire/proto'
import { PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import type { StoredContribution, StoredDeal } from '../../site-agent/update/outbox.ts'

/**
 * Bytes of the protobuf messages that the link sends, each with gRPC's five bytes before it. Headers of HTTP/2 and TLS records
 * (about 22 bytes in 16 KiB) are not in it.
 */
const prefix = 5
const protocol = PROTOCOL_VERSION
const { Next, PutDeal, PutCheck, FetchBoxes, FetchModel, OfferContribution, SendParts, PutAnswer } = Rounds.service

/** One poll that is answered at once, and what it brings. */
export const pollBytes = (study: string): number =>
  prefix + Next.requestSerialize({ protocol, study, waitMs: 30_000 }).length
export const taskBytes = (task: Task): number => prefix + Next.responseSerialize(taskMessage(task)).length

/** One step's part of an epoch's box keys. */
export const boxKeysBytes = (message: SignedMessage): number =>
  (prefix + Federation.service.PutBoxKeys.requestSerialize(signedFields(message)).length) / stepsPerEpoch

export const dealBytes = ({ message, boxes }: StoredDeal): number =>
  prefix + PutDeal.requestSerialize({ protocol, deal: signedFields(message), boxes: boxes.map(asBuffer) }).length

/** "Done": the reply to whatever a site brings. */
export const doneBytes = prefix + PutDeal.responseSerialize({ protocol }).length

export const fetchBytes = (round: string): number => prefix + FetchBoxes.requestSerialize({ protocol, round }).length

export const boxesBytes = (dealt: readonly DealtBox[]): number =>
  dealt.reduce(
    (sum, { deal, box }) =>
      sum + prefix + FetchBoxes.responseSerialize({ protocol, deal: signedFields(deal), box: asBuffer(box) }).length,
    0,
  )

export const checkBytes = (message: SignedMessage): number =>
  prefix + PutCheck.requestSerialize(signedFields(message)).length

/** The offer and every part once. */
export const contributionBytes = (
  round: RoundId,
  { message, parts }: StoredContribution,
  hashes: readonly Digest[],
): number =>
  parts.reduce(
    (sum, data, part) => sum + prefix + SendParts.requestSerialize(partFields(round, part, data)).length,
    prefix + OfferContribution.requestSerialize(offerFields(message, hashes)).length,
  )

/** That all of so many parts are missing, and then none. */
export const contributionStateBytes = (parts: number): number => {
  const missing = Array.from({ length: parts }, (_, part) => part)
  return [
    { complete: false, missing },
    { complete: true, missing: [] },
  ].reduce((sum, state) => sum + prefix + SendParts.responseSerialize(stateFields(state)).length, 0)
}

export const answerBytes = (message: SignedMessage): number =>
  prefix + PutAnswer.requestSerialize(signedFields(message)).length

export const modelBytes = async (model: Uint8Array): Promise<number> => {
  let bytes = 0
  for await (const chunk of chunksOf([model])) bytes += prefix + FetchModel.responseSerialize(chunk).length
  return bytes
}
