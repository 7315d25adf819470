import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { CodedError } from '@tributary/shared/errors'
import { dealVerdict, type Verdict } from '@tributary/shared/he/deal-verdict'
import type { FrameRing } from '@tributary/shared/he/frame'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { decodeManifest, manifestHash, studyIdOf } from '@tributary/shared/study/manifest'
import { messageFrom } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { checkRosterSignature, decodeRoster, rosterHash } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { openRoundBody } from '../rounds/round-messages.ts'
import type { PublishedStudy } from '../studies/study-store.ts'
import { disputedDeal, type Evidence } from './disputed-deal.ts'
import { type DisputeRecord, readDisputeRecord } from './dispute-record.ts'
import { adminStatement } from './evidence-folder.ts'

/** Far above any box or statement. */
const mostBytes = 64 * 1024 * 1024

const fileIn = (folder: string, name: string): Uint8Array => {
  const file = join(folder, name)
  const hint =
    'Give the folder of one dispute, with all that `coordinator study disputes STUDY --evidence FOLDER` wrote.'
  try {
    const bytes = readFileSync(file)
    if (bytes.length <= mostBytes) return new Uint8Array(bytes)
  } catch (cause) {
    throw new HintedError('NOT_FOUND', `no readable ${name} in the evidence folder`, hint, { place: { file }, cause })
  }
  throw new HintedError('ARGUMENT_INVALID', `${name} is too large for evidence`, hint, { place: { file } })
}

/** What `read` makes of a file; whatever is wrong with it is said of that file. */
const inFile = <T>(folder: string, name: string, read: (bytes: Uint8Array) => T): T => {
  const bytes = fileIn(folder, name)
  try {
    return read(bytes)
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown
    const place = { ...thrown.place, file: join(folder, name) }
    throw new CodedError(thrown.code, thrown.message, { place, cause: thrown })
  }
}

/** A folder as a dispute's store: KIND.SITE.signed and HOLDER.box. */
const evidenceIn = (folder: string): Evidence => {
  const names = existsSync(folder) ? readdirSync(folder) : []
  const messages: Evidence['messages'] = (_, kind) =>
    names
      .map((name) => /^([a-z-]+)\.([^.]+)\.signed$/.exec(name))
      .filter((match) => match?.[1] === kind)
      .map((match) => ({ site: siteId(match?.[2] ?? ''), message: inFile(folder, match?.[0] ?? '', messageFrom) }))
      .toSorted((a, b) => (a.site < b.site ? -1 : 1))
  const boxes = (): Map<SiteId, Uint8Array> =>
    new Map(
      names
        .filter((name) => name.endsWith('.box'))
        .map((name) => [siteId(name.slice(0, -'.box'.length)), fileIn(folder, name)]),
    )
  return {
    messages,
    message: (dispute, kind, site) => messages(dispute, kind).find((each) => each.site === site)?.message,
    boxes,
  }
}

export interface JudgedEvidence {
  readonly published: Omit<PublishedStudy, 'seed'>
  readonly dispute: DisputeRecord
  /** What the evidence alone comes to. */
  readonly verdict: Verdict
  /** Signatures that were checked, the admin's among them. */
  readonly signatures: number
}

/** Openings are of this very deal: who opened another has not spoken of this one. */
const checkOpenings = (published: Omit<PublishedStudy, 'seed'>, dispute: DisputeRecord, evidence: Evidence): number => {
  const refuse = (why: string): never => {
    throw new CodedError('ROUND_REFUSED', why)
  }
  const { dealer } = dispute
  const deal = evidence.message(dispute, 'deal', dealer)
  if (deal === undefined) return refuse(`the deal of ${dealer} is missing`)
  const hash = hashBytes(deal.body)
  const open = <Kind extends 'deal-opening' | 'box-opening'>(kind: Kind, site: SiteId, message: SignedMessage) =>
    openRoundBody(kind, message, site, published, dispute)
  const [openings, shown] = [evidence.messages(dispute, 'deal-opening'), evidence.messages(dispute, 'box-opening')]
  for (const { site, message } of openings) {
    if (site !== dealer) refuse(`${site} opens a deal that is of ${dealer}`)
    if (open('deal-opening', site, message).deal !== hash) refuse(`${dealer} opened another deal than this`)
  }
  for (const { site, message } of shown) {
    const body = open('box-opening', site, message)
    if (body.dealer !== dealer || body.deal !== hash) refuse(`${site} opened a box of another deal than this`)
  }
  return 1 + openings.length + shown.length + evidence.messages(dispute, 'check').length
}

/**
 * The verdict on a dispute, from its evidence folder and nothing else: share holders and threshold are the manifest's, identity
 * keys the roster's; that manifest and roster make the study's id, that the admin signed the roster, and that each statement is its
 * site's about this very deal, is checked. Throws `NOT_FOUND` for a file that is missing, else what the check at fault throws.
 */
export const judgeEvidence = (folder: string, ring: FrameRing): JudgedEvidence => {
  const dispute = inFile(folder, 'dispute.json', readDisputeRecord)
  const manifest = inFile(folder, 'manifest', decodeManifest)
  const roster = inFile(folder, 'roster', decodeRoster)
  inFile(folder, adminStatement, (bytes) => checkRosterSignature(roster, messageFrom(bytes), roster.admin))
  const hash = rosterHash(roster)
  const study = studyIdOf(manifest, hash)
  const refuse = (why: string, name: string): never => {
    throw new CodedError('ROUND_REFUSED', why, { place: { file: join(folder, name) } })
  }
  if (study !== dispute.study) refuse('manifest and roster are of another study than dispute.json names', 'roster')
  if (roundIdOf(study, dispute.step, dispute.attempt) !== dispute.round)
    refuse('dispute.json names a round that is not of this step and attempt', 'dispute.json')
  const published = { study, manifest, manifestHash: manifestHash(manifest), roster, rosterHash: hash }
  const evidence = evidenceIn(folder)
  const statements = checkOpenings(published, dispute, evidence)
  const verdict = dealVerdict(ring, disputedDeal(published, dispute, evidence))
  return { published, dispute, verdict, signatures: statements + 1 }
}
