import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import * as z from 'zod'

const name = 'enrolment.json'

/** What a site learned when it enrolled: public facts, in one file that is replaced whole. */
const recordSchema = z.strictObject({
  schema_version: z.literal(1),
  /** host:port. */
  coordinator: z.string(),
  federation: z.string(),
  /** Raw Ed25519 public key in hex. */
  coordinator_identity: z.string().regex(/^[0-9a-f]{64}$/),
  /** PEM of the authority that was pinned. */
  ca: z.string(),
  /** PEM of this site. */
  certificate: z.string(),
})
export type EnrolmentRecord = z.infer<typeof recordSchema>

export const writeEnrolmentRecord = (dataDir: string, record: EnrolmentRecord): void =>
  writePrivateFile(join(dataDir, name), `${JSON.stringify(recordSchema.parse(record), null, 2)}\n`)

/** Throws NOT_FOUND before enrolment, STATE_CORRUPT for a damaged file. */
export const readEnrolmentRecord = (dataDir: string): EnrolmentRecord => {
  const json = readPrivateFile(join(dataDir, name), 'site-agent enrol').toString('utf8')
  try {
    return recordSchema.parse(JSON.parse(json))
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', 'not an enrolment record', { place: { file: name }, cause })
  }
}
