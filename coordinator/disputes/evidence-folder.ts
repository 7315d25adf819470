import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { encodeManifest } from '@tributary/shared/study/manifest'
import { messageBytes } from '@tributary/shared/wire/body'
import { encodeRoster } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { Dispute } from './dispute.ts'
import { disputeRecordText } from './dispute-record.ts'
import type { DisputeStore } from './dispute-store.ts'
import { evidenceReadme } from './evidence-readme.ts'

const statements = ['deal', 'check', 'deal-opening', 'box-opening'] as const

/** Name of the file with the admin's signature of the roster. */
export const adminStatement = 'roster-signature.admin.signed'

/** Name of the folder of one dispute: step, attempt, dealer. */
export const evidenceName = ({ step, attempt, dealer }: Dispute): string => `step-${step}-attempt-${attempt}-${dealer}`

/**
 * Writes all that a dispute rests on into a new folder under `folder`, and returns its path: manifest and roster as they are
 * hashed, the admin's signature of the roster, every statement as its site signed it (KIND.SITE.signed), every box of the deal
 * (HOLDER.box), dispute.json with the verdict, and README.txt. Who has this folder and the roster's fingerprints needs nothing of
 * the coordinator's to come to the same verdict (`judgeEvidence`). Throws `ALREADY_EXISTS`, `ARGUMENT_INVALID` where it cannot be written.
 */
export const writeEvidence = (
  folder: string,
  published: PublishedStudy,
  rosterSignature: SignedMessage,
  dispute: Dispute,
  store: DisputeStore,
): string => {
  const { manifest, roster } = published
  const path = join(folder, evidenceName(dispute))
  const files: [name: string, data: Uint8Array | string][] = [
    ['manifest', encodeManifest(manifest)],
    ['roster', encodeRoster(roster)],
    [adminStatement, messageBytes(rosterSignature)],
    ...statements.flatMap((kind) =>
      store
        .messages(dispute, kind)
        .map(({ site, message }): [string, Uint8Array] => [`${kind}.${site}.signed`, messageBytes(message)]),
    ),
    ...[...store.boxes(dispute)].map(([holder, box]): [string, Uint8Array] => [`${holder}.box`, box]),
    ['dispute.json', disputeRecordText(dispute)],
    ['README.txt', evidenceReadme(published, dispute)],
  ]
  try {
    mkdirSync(folder, { recursive: true })
    mkdirSync(path)
    for (const [name, data] of files) writeFileSync(join(path, name), data)
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    const why = exists ? `${path} is there already` : `${path} cannot be written`
    throw new CodedError(exists ? 'ALREADY_EXISTS' : 'ARGUMENT_INVALID', why, { place: { file: path }, cause })
  }
  return path
}
