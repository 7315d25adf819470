import { CodedError } from '@tributary/shared/errors'
import {
  type Digest,
  digest,
  type RoundId,
  roundId,
  type SiteId,
  siteId,
  type StudyId,
  studyId,
} from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { decodeCanonical, encodeCanonical, hashCanonical } from '@tributary/shared/wire/canonical'
import * as z from 'zod'

/** A text that one of the id parsers, or a number that one of the unit constructors, takes. */
const checked = <In, Out>(base: z.ZodType<In, In>, parse: (value: In) => Out) =>
  base.transform((value, context): Out => {
    try {
      return parse(value)
    } catch {
      context.addIssue({ code: 'custom', message: 'out of its form or range' })
      return z.NEVER
    }
  })

const study = checked(z.string(), (text): StudyId => studyId(text))
const round = checked(z.string(), (text): RoundId => roundId(text))
const site = checked(z.string(), (text): SiteId => siteId(text))
const whole = z.int().min(0)

const phaseSchema = z.strictObject({
  noiseMultiplier: checked(z.number(), noiseMultiplier),
  samplingRate: checked(z.number(), samplingRate),
  steps: whole,
  recordsPerUnit: z.int().min(1).exactOptional(),
  /** Patients who are held out take part in these alone, the others in the rest: a patient pays for one of the two. */
  heldOut: z.literal(true).exactOptional(),
})

const capSchema = z.strictObject({
  kind: z.literal('cap'),
  epsilon: checked(z.number(), epsilon),
  delta: checked(z.number(), delta),
  /** Absent in entries older than the choice: plain sums. */
  accounting: z.enum(['sum', 'renyi']).exactOptional(),
})

/** Of `Reservation`. */
const reserved = {
  study,
  name: z.string().min(1).max(200),
  unit: z.enum(['row', 'patient']),
  epsilon: checked(z.number(), epsilon),
  delta: checked(z.number(), delta),
  distance: z.number().min(0),
  phases: z.array(phaseSchema).min(1),
}

const reserveSchema = z.strictObject({ kind: z.literal('reserve'), ...reserved })
const chargeSchema = z.strictObject({
  kind: z.literal('charge'),
  study,
  round,
  query: whole,
  step: whole,
  attempt: whole,
})
const revokeSchema = z.strictObject({ kind: z.literal('revoke'), study })

const restoredSchema = z.strictObject({
  kind: z.literal('restored'),
  study,
  peer: site,
  round,
  step: whole,
  attempt: whole,
  charged: whole,
  counter: whole,
  /** What does not know of it here. */
  lost: z.enum(['ledger', 'volatile', 'both']),
})

const acknowledgedSchema = z.strictObject({
  kind: z.literal('acknowledged'),
  cap: capSchema.nullable(),
  accounts: z.array(z.strictObject({ ...reserved, charged: z.array(whole), revoked: z.boolean() })),
  /** The mark of the `volatile/` that was lost, where it was: this data directory goes on no more. */
  volatile: z.string().min(1).max(64).exactOptional(),
})

const contentSchema = z.discriminatedUnion('kind', [
  capSchema,
  reserveSchema,
  chargeSchema,
  revokeSchema,
  restoredSchema,
  acknowledgedSchema,
])

/** The most that all reserved studies of this institution may cost one patient together, and how they are added up (R18). */
export type Cap = Omit<z.output<typeof capSchema>, 'kind'>
/**
 * A study's whole plan, spares included (R6), at patient level and as another hospital sees it (R8, R17): epsilon at delta, both
 * from `pricePlan(...).ledger`. `phases[query].steps` are the attempts reserved; `distance` is the sampler's (R20).
 */
export type Reservation = Omit<z.output<typeof reserveSchema>, 'kind'>
/** One attempt of one step, charged in full whether or not its sum is ever opened (R6). */
export type Charge = Omit<z.output<typeof chargeSchema>, 'kind'>
/** A peer holds a contribution, signed by this site, that this site does not know: it came back from a backup, or was cloned (R4). */
export type Restored = Omit<z.output<typeof restoredSchema>, 'kind'>
/** What an officer acknowledged after a restore: every account as it must stand at least, whatever the cap says. */
export type Acknowledged = Omit<z.output<typeof acknowledgedSchema>, 'kind'>
export type EntryContent = z.output<typeof contentSchema>

/** One line of the book. `hash` covers `previous` and everything else here. */
export interface Entry {
  readonly seq: number
  /** Milliseconds since 1970 by the site's clock. */
  readonly at: number
  readonly content: EntryContent
  readonly previous: Digest
  readonly hash: Digest
}

/** What the first entry names as the one before it. */
export const firstPrevious: Digest = digest('0'.repeat(64))

export const contentBytes = (content: EntryContent): Uint8Array => encodeCanonical(JSON.parse(JSON.stringify(content)))

/** Throws `LEDGER_REFUSED` for bytes that are no entry. */
export const contentOf = (bytes: Uint8Array): EntryContent => {
  try {
    return contentSchema.parse(decodeCanonical(bytes))
  } catch (cause) {
    throw new CodedError('LEDGER_REFUSED', 'an entry that cannot be read', { cause })
  }
}

export const entryHash = (previous: Digest, seq: number, at: number, content: Uint8Array): Digest =>
  hashCanonical('ledger-entry', [previous, seq, at, content])
