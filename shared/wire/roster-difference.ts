import type { Roster } from './messages.ts'
import { fingerprint } from './signed.ts'

/** Two rosters' members apart; one whose identity key changed is in `other_key` alone. */
export interface RosterDifference {
  readonly before_version: number
  readonly joined: readonly string[]
  readonly left: readonly string[]
  readonly other_key: readonly string[]
}

export const rosterDifference = (before: Pick<Roster, 'version' | 'members'>, now: Pick<Roster, 'members'>) => {
  const key = ({ site, identity }: Roster['members'][number]) => `${site} ${fingerprint(identity)}`
  const missing = (from: Roster['members'], to: Roster['members']) => {
    const kept = new Set(to.map(key))
    return from.filter((member) => !kept.has(key(member))).map(({ site }) => site)
  }
  const [joined, left] = [missing(now.members, before.members), missing(before.members, now.members)]
  return {
    before_version: before.version,
    joined: joined.filter((site) => !left.includes(site)),
    left: left.filter((site) => !joined.includes(site)),
    other_key: joined.filter((site) => left.includes(site)),
  } satisfies RosterDifference
}

/** In the same words at the coordinator, who proposes, and at a site, who confirms. */
export const differenceInWords = ({ before_version: version, joined, left, other_key: changed }: RosterDifference) => {
  const parts = { joined, left, 'under another key': changed }
  const said = Object.entries(parts).filter(([, sites]) => sites.length > 0)
  return `since version ${version}: ${said.map(([what, sites]) => `${what} ${sites.join(', ')}`).join('; ') || 'nothing'}`
}
