import type { SiteId, StudyId } from '@tributary/shared/ids'
import type { Roster } from '@tributary/shared/wire/messages'
import { type RosterDifference, rosterDifference } from '@tributary/shared/wire/roster-difference'
import type { RoundStore } from '../rounds/round-store.ts'
import { endOfStudy } from './membership.ts'
import { memberKey, type StudyStore } from './study-store.ts'

export interface AffectedStudy {
  readonly study: StudyId
  readonly name: string
  /** Its sites that the new roster would take out of it for good. */
  readonly loses: readonly SiteId[]
  /** Why it would stop; null where it goes on with the rest. */
  readonly stops: string | null
}

export interface RosterChange {
  /** From the latest roster; undefined before the first. */
  readonly changes: RosterDifference | undefined
  readonly affected: readonly AffectedStudy[]
}

const missingFrom = (members: Roster['members'], kept: ReadonlySet<string>): SiteId[] =>
  members.filter((member) => !kept.has(memberKey(member))).map(({ site }) => site)

/** What a roster of these members would change, before it is proposed: for studies that are not over it is for good (R1). */
export const rosterChange = (
  members: Roster['members'],
  studies: StudyStore,
  rounds: Pick<RoundStore, 'run'>,
): RosterChange => {
  const latest = studies.latestRoster()?.roster
  const kept = new Set(members.map(memberKey))
  const affected = studies.studies().flatMap((study): AffectedStudy[] => {
    const outcome = rounds.run(study)?.state.outcome ?? 'waiting'
    if (outcome === 'completed' || outcome === 'stopped') return []
    const published = studies.study(study)
    const { manifest, roster } = published
    const removed = studies.removedFrom(published)
    const loses = missingFrom(roster.members, kept).filter(
      (site) => !removed.includes(site) && manifest.sites.some(({ name }) => name === site),
    )
    if (loses.length === 0) return []
    const approved = studies.statements(study, 'approval').map(({ site }) => site)
    return [{ study, name: manifest.name, loses, stops: endOfStudy(published, [...removed, ...loses], approved) }]
  })
  return {
    changes: latest && rosterDifference(latest, { members }),
    affected,
  }
}
