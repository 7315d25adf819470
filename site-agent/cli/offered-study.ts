import { HintedError } from '@tributary/shared/cli/hinted-error'
import { admitPlan } from '@tributary/shared/dp/plan'
import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import { decodeManifest, studyIdOf } from '@tributary/shared/study/manifest'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { decodeRoster, rosterHash } from '@tributary/shared/wire/roster'
import type { BookedStudy, SiteBook, StudyState } from '../policy/site-book.ts'
import { countersigned } from './roster-commands.ts'

export interface Offered {
  readonly study: StudyId
  readonly manifest: Manifest
  readonly roster: Roster
}

/** A study as the officer looks at it: `state` is what was decided here, under `roster`; undefined for one not approved yet. */
export type SeenStudy = Offered & { readonly state?: StudyState }

/** The start of an id, or a name. */
const matches = (prefix: string, { study, manifest }: Pick<Offered, 'study' | 'manifest'>): boolean =>
  study.startsWith(prefix) || manifest.name === prefix

const published = async (client: CoordinatorClient, prefix: string) =>
  (await client.studies())
    .map((offer) => ({ study: offer.study, manifest: decodeManifest(offer.manifest) }))
    .filter((each) => matches(prefix, each))

/** Throws `NOT_FOUND` saying which ones match. */
const only = <T extends { readonly study: StudyId }>(found: readonly T[], prefix: string): T => {
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  if (first === undefined) throw new CodedError('NOT_FOUND', `no published study matches ${prefix}`)
  const ids = found.map(({ study }) => study.slice(0, 12)).join(', ')
  const hint = 'Give the start of the id of the one that is meant; `site-agent study ls` lists them.'
  throw new HintedError('NOT_FOUND', `${found.length} studies match ${prefix}: ${ids}`, hint)
}

/** What is published and not approved here: its plan recomputed, its roster the one in force here. */
const admitted = (book: SiteBook, { study, manifest }: Omit<Offered, 'roster'>): Offered => {
  const roster = book.roster()
  if (roster === undefined)
    throw new HintedError(
      'ROSTER_REFUSED',
      'no roster was confirmed here yet',
      'See who the hospitals are with `site-agent roster show`, then confirm it: `site-agent roster confirm`.',
    )
  if (studyIdOf(manifest, rosterHash(roster)) !== study)
    throw new HintedError(
      'APPROVAL_REFUSED',
      `this study is not made for version ${roster.version} of the roster, which is in force here`,
      'See whether there is a newer one: `site-agent roster show`. A study for an older one must be published anew.',
    )
  admitPlan(manifest)
  return { study, manifest, roster }
}

/** A published study that may be approved. Throws `NOT_FOUND`, `ROSTER_REFUSED`, `APPROVAL_REFUSED`, `PLAN_REFUSED`. */
export const offeredStudy = async (client: CoordinatorClient, book: SiteBook, prefix: string): Promise<Offered> =>
  admitted(book, only(await published(client, prefix), prefix))

/** What was approved here and `prefix`, the start of an id or a name, may mean. */
export const bookedStudies = (book: SiteBook, prefix: string): readonly BookedStudy[] =>
  book.studies().filter((each) => matches(prefix, each))

const seen = ({ study, manifest, roster, state }: BookedStudy): SeenStudy => ({ study, manifest, roster, state })

/**
 * A study that was approved here, under the roster of that day whatever the roster is now, or else a published one. What is booked
 * here is shown also while the coordinator cannot be asked; the rest throws as `offeredStudy`.
 */
export const seenStudy = async (client: CoordinatorClient, book: SiteBook, prefix: string): Promise<SeenStudy> => {
  const booked = bookedStudies(book, prefix)
  const exact = booked.find(({ study }) => study === prefix)
  if (exact !== undefined) return seen(exact)
  let offers: readonly Omit<Offered, 'roster'>[] = []
  try {
    offers = await published(client, prefix)
  } catch (thrown) {
    if (booked.length === 0) throw thrown
  }
  const isBooked = ({ study }: Pick<Offered, 'study'>) => booked.some((each) => each.study === study)
  const found = only<SeenStudy | Omit<Offered, 'roster'>>(
    [...booked.map(seen), ...offers.filter((each) => !isBooked(each))],
    prefix,
  )
  return 'roster' in found ? found : admitted(book, found)
}

/** R1: nobody approves under a roster that any member, of the study or not, has not signed. */
export const refuseUnsigned = async (client: CoordinatorClient, { roster }: Offered): Promise<void> => {
  const reply = await client.roster()
  const latest = decodeRoster(reply.roster)
  if (rosterHash(latest) !== rosterHash(roster))
    throw new HintedError(
      'APPROVAL_REFUSED',
      `version ${latest.version} of the roster is proposed, version ${roster.version} is in force here`,
      'See what changes with `site-agent roster show`. The study must be published anew for the new roster.',
    )
  const signed = countersigned(reply, roster)
  const silent = roster.members.map(({ site }) => site).filter((name) => !signed.includes(name))
  if (silent.length > 0)
    throw new HintedError(
      'APPROVAL_REFUSED',
      `these members have not countersigned the roster: ${silent.join(', ')}`,
      'Ask them to run `site-agent roster confirm`, then approve again; `site-agent roster show` says who has countersigned.',
    )
}
