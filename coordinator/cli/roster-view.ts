import type { Roster } from '@tributary/shared/wire/messages'
import { rosterHash } from '@tributary/shared/wire/roster'
import { differenceInWords, type RosterDifference, rosterDifference } from '@tributary/shared/wire/roster-difference'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { AffectedStudy, RosterChange } from '../studies/roster-change.ts'
import type { StudyStore } from '../studies/study-store.ts'

/** A roster as it is read out: who, under which fingerprint. */
export const rosterView = (roster: Roster) => ({
  roster: rosterHash(roster),
  version: roster.version,
  admin_fingerprint: fingerprint(roster.admin),
  coordinator_fingerprint: fingerprint(roster.coordinator),
  members: roster.members.map(({ site, identity }) => ({ site, fingerprint: fingerprint(identity) })),
  ...(roster.committee.length > 0 && { committee: roster.committee }),
})

/** The same words where it is refused without --yes and where it is told. */
export const affectedInWords = ({ name, study, loses, stops }: AffectedStudy): string =>
  `${loses.join(', ')} ${loses.length === 1 ? 'leaves' : 'leave'} study ${name} (${study.slice(0, 8)}) for good, which ${stops === null ? 'goes on without' : `stops (${stops})`}`

export const changeInWords = ({ changes, affected }: RosterChange) => ({
  ...(changes !== undefined && { changes: differenceInWords(changes) }),
  ...(affected.length > 0 && { affected: affected.map(affectedInWords).join('; ') }),
})

/** The latest roster against the version before; undefined where it is the first. */
export const latestDifference = (
  roster: Roster,
  studies: Pick<StudyStore, 'rosterBefore'>,
): RosterDifference | undefined => {
  const before = studies.rosterBefore(roster.version)
  return before && rosterDifference(before, roster)
}

/** Members who have not countersigned it, in its order. */
export const unconfirmedBy = (roster: Roster, studies: Pick<StudyStore, 'statements'>): string[] => {
  const said = studies.statements(rosterHash(roster), 'countersignature').map(({ site }) => site)
  return roster.members.map(({ site }) => site).filter((site) => !said.includes(site))
}

const everySite =
  'site-agent roster show --data-dir FOLDER, then roster confirm; read the admin fingerprint out by telephone'

/** Who has to do what about the latest roster: agents follow a removal by themselves, everything else waits for the officers. */
export const nextOnRoster = (roster: Roster, studies: Pick<StudyStore, 'rosterBefore' | 'statements'>): string => {
  const missing = unconfirmedBy(roster, studies)
  if (missing.length === 0) return `nothing: every site has confirmed version ${roster.version}`
  const change = latestDifference(roster, studies)
  const isRemoval =
    change !== undefined && change.left.length > 0 && change.joined.length + change.other_key.length === 0
  if (isRemoval)
    return `nothing for the officers now: agents follow a removal by themselves. Before the next study every officer confirms version ${roster.version} (site-agent roster confirm)`
  const who = missing.length === roster.members.length ? 'every site' : missing.join(', ')
  return `${who}: ${everySite}`
}
