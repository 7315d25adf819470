import { afterEach, expect, it } from 'vitest'
import { siteId } from '@tributary/shared/ids'
import { openBody } from '@tributary/shared/wire/body'
import { memberOf } from '@tributary/shared/wire/roster'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'

/* Beyond 20 sites the roster's committee holds the key shares (R7): 12 of 21 here, threshold 7. */
const manifest = tinyStudy({ sites: 21, least: 17, steps: 1, spares: { marginals: 1, gradient: 1 } })
const names = manifest.sites.map(({ name }) => siteId(name))
/** Not the study's order, and not its first sites. */
const committee = names.slice(5, 17).reverse()

let federation: InProcessFederation
afterEach(() => federation.close())

it('R7 only the committee is dealt to, checks and answers; every site contributes', { timeout: 60_000 }, async () => {
  expect(manifest).toMatchObject({ federation: { committee: 12 }, plan: { threshold: 7 } })
  federation = await InProcessFederation.open(manifest, { committee })
  const dealt = new Map<string, readonly (readonly [string, boolean])[]>()
  const holders = new Set<string>()
  federation.onBoxes = (to, boxes) => {
    dealt.set(
      to,
      boxes.map(({ deal, box }) => [deal.signer, box.length > 0] as const),
    )
    for (const { deal } of boxes) {
      const { boxes: sealed } = openBody('deal', deal, memberOf(federation.roster, siteId(deal.signer)))
      holders.add(sealed.map(({ to: holder }) => holder).join())
    }
    return boxes
  }
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', step: 2 })
  expect([...holders]).toEqual([committee.join()])
  for (const [to, boxes] of dealt)
    expect(boxes.every(([, isFull]) => isFull === committee.includes(siteId(to)))).toBe(true)
  const all = names.map(() => 1)
  expect(federation.coordinator.opened.map(({ counts }) => counts)).toEqual([all, all])
  const who = (kind: string) =>
    new Set(federation.departed.filter((each) => each.kind === kind).map(({ site }) => site))
  expect(who('deal')).toEqual(new Set(names))
  expect(who('contribution')).toEqual(new Set(names))
  expect(who('check')).toEqual(new Set(committee))
  expect(who('answer')).toEqual(new Set(committee))
  await checkInvariants(federation)
})

it('R7 opens with seven of the twelve when the deadline passes, whoever else is there', {
  timeout: 60_000,
}, async () => {
  federation = await InProcessFederation.open(manifest, { committee })
  const lost = names.slice(0, 4)
  const present = names.filter((site) => !lost.includes(site))
  for (let i = 0; i < 40 && federation.round.phase !== 'answering'; i++) {
    await federation.turns(present)
    await federation.advance(10_000)
  }
  expect(federation.round).toMatchObject({ phase: 'answering', contributors: present.toSorted() })
  const allTheirTurns = async (sites: readonly string[]) => {
    for (let i = 0; i < 4; i++) await federation.turns(sites)
  }
  // Whoever holds no share cannot help, however many they are.
  await allTheirTurns(names.filter((site) => !committee.includes(site)))
  await allTheirTurns(committee.slice(0, 6))
  expect(federation.round.answered).toHaveLength(6)
  expect(federation.coordinator.opened).toHaveLength(0)
  await allTheirTurns(committee.slice(6, 7))
  // The other five may still answer, until the deadline.
  await federation.advance(61_000)
  expect(federation.coordinator.opened.map(({ counts }) => counts)).toEqual([
    names.map((site) => (lost.includes(site) ? 0 : 1)),
  ])
  await checkInvariants(federation)
})
