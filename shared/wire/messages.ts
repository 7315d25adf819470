import * as z from 'zod'
import { boxKeyBytes, boxPublicKeyBytes } from '../he/box.ts'
import { type Digest, digest, type RoundId, roundId, type SiteId, siteId, type StudyId, studyId } from '../ids.ts'

/**
 * The bodies of signed messages (see signed.ts): what a hospital and the coordinator put their Ed25519 key to. Each body is
 * canonical bytes; each schema below is the only reader of its kind and refuses unknown fields.
 */
const parsed = <T extends string>(parse: (text: string) => T) =>
  z.string().transform((text, context): T => {
    try {
      return parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'malformed identifier' })
      return z.NEVER
    }
  })
const site = parsed<SiteId>(siteId)
const study = parsed<StudyId>(studyId)
const round = parsed<RoundId>(roundId)
const hash = parsed<Digest>(digest)
const whole = z.int().min(0)
const anyBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'bytes')
const bytes = (length: number) => anyBytes.refine((value) => value.length === length, `${length} bytes`)

/** Which attempt of which step of which study (R2): every round message carries all of it. */
const attemptOf = { study, step: whole, attempt: whole, round, roster: hash }

/**
 * Who the sites are: identity keys, confirmed by fingerprint, signed by the consortium's admin key and countersigned by every
 * member (R1). `committee`: who holds key shares in studies of more than 20 sites; empty, or 12 to 16 members.
 */
export const rosterSchema = z.strictObject({
  federation: z.string().min(1).max(80),
  version: z.int().min(1),
  admin: bytes(32),
  coordinator: bytes(32),
  members: z.array(z.strictObject({ site, identity: bytes(32) })).max(64),
  committee: z.array(site).max(16),
})
export type Roster = z.infer<typeof rosterSchema>

/** The consortium's admin says that this version is the roster; the coordinator cannot. */
export const rosterSignatureSchema = z.strictObject({ roster: hash, version: z.int().min(1) })
export type RosterSignature = z.infer<typeof rosterSignatureSchema>

export const countersignatureSchema = z.strictObject({ roster: hash })
export type Countersignature = z.infer<typeof countersignatureSchema>

/** A site agrees to one study under one roster; nothing runs there before. */
export const approvalSchema = z.strictObject({ study, manifest: hash, roster: hash })
export type Approval = z.infer<typeof approvalSchema>

/** A site's public share-box key (X25519, then ML-KEM-768) for one epoch of one study. */
export const boxKeysSchema = z.strictObject({ study, epoch: whole, key: bytes(boxPublicKeyBytes) })
export type BoxKeys = z.infer<typeof boxKeysSchema>

/** A signed contribution is far smaller: some 600 bytes. */
const longestStatement = 2048
const statementBytes = anyBytes.refine(({ length }) => length <= longestStatement, `at most ${longestStatement} bytes`)

/**
 * A dealer commits to the sealed share of its one-time key for every holder, in their order; the boxes themselves travel beside
 * it, sealed to the holders' keys of `epoch`. `seen`: of
 * every other site, the latest contribution to this study that the dealer saw announced, and the latest to any study of this
 * coordinator where that is another, as that site signed it. A site that was restored from a backup learns from its own signature
 * what it has forgotten (R4); nobody else can make one.
 */
export const dealSchema = z.strictObject({
  ...attemptOf,
  epoch: whole,
  boxes: z.array(z.strictObject({ to: site, box: hash })).max(64),
  seen: z.array(z.strictObject({ site, body: statementBytes, signature: bytes(64) })).max(128),
})
export type Deal = z.infer<typeof dealSchema>

/**
 * What a holder finds in every box of an attempt, before anybody contributes (R24): the check value of its share (he/share-check),
 * 8 bytes little-endian, or null where the box does not open. A deal whose values disagree is not used.
 */
export const checkSchema = z.strictObject({
  ...attemptOf,
  checks: z.array(z.strictObject({ site, deal: hash, value: bytes(8).nullable() })).max(64),
})
export type Check = z.infer<typeof checkSchema>

/**
 * A dealer opens its own disputed deal: the keys of its boxes, in the holders' order. Whoever signs this has sealed nothing under
 * the deal's key and never will (R24).
 */
export const dealOpeningSchema = z.strictObject({
  ...attemptOf,
  deal: hash,
  keys: z.array(bytes(boxKeyBytes)).max(64),
})
export type DealOpening = z.infer<typeof dealOpeningSchema>

/** What key a holder derived for its box of an opened deal; null where it could derive none. */
export const boxOpeningSchema = z.strictObject({
  ...attemptOf,
  dealer: site,
  deal: hash,
  key: bytes(boxKeyBytes).nullable(),
})
export type BoxOpening = z.infer<typeof boxOpeningSchema>

/** The coordinator opens an attempt: the model everyone must see, and whose deals are in. */
export const broadcastSchema = z.strictObject({
  ...attemptOf,
  manifest: hash,
  query: whole,
  model: hash,
  dealers: z.array(z.strictObject({ site, deal: hash })).max(64),
})
export type Broadcast = z.infer<typeof broadcastSchema>

/**
 * A site's one contribution to an attempt. `ciphertext` is the digest over the hashes of its parts (he/parts), `bytes` what they
 * have together. `counter` only ever grows: peers refuse a site that went back in time (R4). `charged`
 * is how many attempts of this study its ledger has charged, this one included; peers tell both back in their deals.
 */
export const contributionSchema = z.strictObject({
  ...attemptOf,
  model: hash,
  deal: hash,
  ciphertext: hash,
  bytes: whole,
  counter: whole,
  charged: whole,
})
export type Contribution = z.infer<typeof contributionSchema>

/** The contributor set U, named once, with every member's own signed contribution inside. */
export const announcementSchema = z.strictObject({
  ...attemptOf,
  model: hash,
  contributors: z.array(z.strictObject({ site, deal: hash, body: anyBytes, signature: bytes(64) })).max(64),
})
export type Announcement = z.infer<typeof announcementSchema>

/** A holder's one answer: the sum of its shares over U, in the residue frame of shared/he. */
export const answerSchema = z.strictObject({ ...attemptOf, announcement: hash, share: anyBytes })
export type Answer = z.infer<typeof answerSchema>

/** A site lost its one-time key before contributing, so that nobody need wait for the deadline. */
export const withdrawalSchema = z.strictObject({ ...attemptOf })
export type Withdrawal = z.infer<typeof withdrawalSchema>

export const bodySchemas = {
  'roster-signature': rosterSignatureSchema,
  countersignature: countersignatureSchema,
  approval: approvalSchema,
  'box-keys': boxKeysSchema,
  deal: dealSchema,
  check: checkSchema,
  'deal-opening': dealOpeningSchema,
  'box-opening': boxOpeningSchema,
  broadcast: broadcastSchema,
  contribution: contributionSchema,
  announcement: announcementSchema,
  answer: answerSchema,
  withdrawal: withdrawalSchema,
} as const

export type MessageKind = keyof typeof bodySchemas
