import { printData } from '@tributary/shared/cli/output'
import { plainText } from '@tributary/shared/cli/plain-text'
import { decodeRoster } from '@tributary/shared/wire/roster'
import { differenceInWords } from '@tributary/shared/wire/roster-difference'
import { publishedRoster } from '../studies/published-roster.ts'
import type { StudyStore } from '../studies/study-store.ts'
import { latestDifference, nextOnRoster, rosterView, unconfirmedBy } from './roster-view.ts'

/** `coordinator roster show`: the roster that sites are served, and who has countersigned it. Throws `NOT_FOUND` before the first. */
export const showRoster = (studies: StudyStore, json: boolean): void => {
  const roster = decodeRoster(publishedRoster(studies).roster)
  const { members, ...facts } = rosterView(roster)
  const missing = unconfirmedBy(roster, studies)
  const rows = members.map((member) => ({ ...member, confirmed: !missing.includes(member.site) }))
  const changes = latestDifference(roster, studies)
  const next = nextOnRoster(roster, studies)
  const data = { federation: roster.federation, ...facts, members: rows, ...(changes && { changes }), next }
  const text = plainText({
    ...data,
    members: rows.map(({ confirmed, ...row }) => ({ ...row, confirmed: confirmed ? 'yes' : 'not yet' })),
    ...(changes && { changes: differenceInWords(changes) }),
  })
  printData(data, { json, text })
}
