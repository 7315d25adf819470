import { HintedError } from '@tributary/shared/cli/hinted-error'
import type { Verdict } from '@tributary/shared/he/deal-verdict'
import { roundId, siteId, studyId } from '@tributary/shared/ids'
import * as z from 'zod'
import type { Dispute } from './dispute.ts'
import { type DisputeState, stateOf } from './dispute-words.ts'

const site = z.string().transform((text) => siteId(text))
const findings = ['lied', 'silent', 'contradicts'] as const

const recordSchema = z.strictObject({
  schema_version: z.literal(1),
  kind: z.literal('tributary dispute'),
  study: z.string().transform((text) => studyId(text)),
  round: z.string().transform((text) => roundId(text)),
  step: z.int().min(0),
  attempt: z.int().min(0),
  dealer: site,
  state: z.enum(['opening-deal', 'opening-boxes', 'judging', 'decided', 'unjudged']),
  verdict: z
    .strictObject({
      dealer: z.enum(['bad', 'sound', 'unopened']),
      holders: z.array(z.strictObject({ site, finding: z.enum(findings) })),
      why: z.string(),
    })
    .nullable(),
})

/** dispute.json of an evidence folder: which deal it is about, and what the coordinator says became of it. */
export interface DisputeRecord extends Pick<Dispute, 'study' | 'round' | 'step' | 'attempt' | 'dealer'> {
  readonly state: DisputeState
  readonly verdict: Verdict | null
}

export const disputeRecordText = (dispute: Dispute): string => {
  const { study, round, step, attempt, dealer, verdict } = dispute
  const record: z.input<typeof recordSchema> = {
    schema_version: 1,
    kind: 'tributary dispute',
    study,
    round,
    step,
    attempt,
    dealer,
    state: stateOf(dispute),
    verdict: verdict && { ...verdict, holders: [...verdict.holders] },
  }
  return `${JSON.stringify(record, null, 2)}\n`
}

/** Throws `ARGUMENT_INVALID` for anything else. */
export const readDisputeRecord = (bytes: Uint8Array): DisputeRecord => {
  try {
    return recordSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (cause) {
    const hint = 'Give the folder of one dispute, as `coordinator study disputes STUDY --evidence FOLDER` wrote it.'
    throw new HintedError('ARGUMENT_INVALID', 'not the record of a dispute, or altered', hint, { cause })
  }
}
