import { siteId } from '@tributary/shared/ids'
import { expect, it } from 'vitest'
import { endOfStudy } from './membership.ts'
import type { PublishedStudy } from './study-store.ts'

const names = Array.from({ length: 24 }, (_, n) => siteId(`site-${String(n + 1).padStart(2, '0')}`))
const committee = names.slice(0, 12)
/** Only what a study's end depends on. */
const study = (sites: readonly string[], least: number, threshold: number, holders: readonly string[] = []) =>
  ({
    manifest: {
      sites: sites.map((name) => ({ name })),
      federation: { least_contributors: least, ...(holders.length > 0 && { committee: holders.length }) },
      plan: { threshold },
    },
    roster: { committee: holders },
  }) as unknown as PublishedStudy

it('R7 a committee: its members are counted against the threshold, everybody against the least', () => {
  const large = study(names, 16, 7, committee)
  expect(endOfStudy(large, committee.slice(0, 5), names)).toBeNull()
  expect(endOfStudy(large, committee.slice(0, 6), names)).toMatch(/needs 7 share holders where 6 remain/)
  expect(endOfStudy(large, names.slice(16), names)).toBeNull()
  expect(endOfStudy(large, names.slice(15), names)).toMatch(/needs 16 sites where 15 remain/)
})

it('R7 without one every site holds shares', () => {
  const small = study(names.slice(0, 5), 3, 4)
  expect(endOfStudy(small, names.slice(0, 1), names)).toBeNull()
  expect(endOfStudy(small, names.slice(0, 2), names)).toMatch(/needs 4 sites where 3 remain/)
})

it('R1 a site that left before it approved ends the study, whatever remains', () => {
  const large = study(names, 16, 7, committee)
  expect(endOfStudy(large, names.slice(20, 21), names.slice(0, 20))).toMatch(/site-21 left the roster before approving/)
})
