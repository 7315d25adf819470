import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { siteId } from '@tributary/shared/ids'
import { studyIdOf } from '@tributary/shared/study/manifest'
import type { RosterReply } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, memberOf, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { approvedStudy } from './approved-study.ts'
import { RosterWatch } from './roster-watch.ts'
import { SiteBook } from './site-book.ts'

const [admin, coordinator] = [generateIdentity(), generateIdentity()]
const keys = new Map<string, Uint8Array>()
const keyOf = (name: string) => {
  const key = keys.get(name) ?? generateIdentity().publicKey
  keys.set(name, key)
  return key
}
const roster = (version: number, names: string, changed: Partial<Roster> = {}): Roster => ({
  federation: 'test',
  version,
  admin: admin.publicKey,
  coordinator: coordinator.publicKey,
  members: names.split(' ').map((name) => ({ site: siteId(name), identity: keyOf(name) })),
  committee: [],
  ...changed,
})
const first = roster(1, 'ash birch cedar')
const study = { roster: first, sites: first.members.map(({ site }) => site) }
const refused = { code: 'ROSTER_REFUSED' }

let folder = ''
let book: SiteBook
let shown: RosterReply
let lines: { readonly removed: readonly string[]; readonly version: number }[] = []
const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) })
const watch = () => new RosterWatch({ book, client: { roster: async () => shown }, log })
const publish = (now: Roster, by: IdentityKey = admin) => {
  shown = { roster: encodeRoster(now), countersignatures: [], signature: signRoster(now, by) }
}
/** What the agent makes of it: who is out of the study, and which version is pinned. */
const after = async (now: Roster, by?: IdentityKey) => {
  publish(now, by)
  await watch().refresh()
  return { removed: watch().removed(study), pinned: book.roster()?.version }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-watch-'))
  book = SiteBook.open(join(folder, 'site.sqlite'))
  book.pinRoster(first)
  lines = []
})
afterEach(() => {
  book.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('R1 removals', () => {
  it('R1 a removal alone takes effect without an officer, and is pinned', async () => {
    expect(await after(first)).toEqual({ removed: [], pinned: 1 })
    expect(await after(roster(2, 'ash cedar'))).toEqual({ removed: ['birch'], pinned: 2 })
  })

  it('R1 a removal is for good: not undone by a later join, nor by an older roster, nor by a restart', async () => {
    await after(roster(2, 'ash cedar'))
    expect(await after(roster(3, 'ash birch cedar'))).toEqual({ removed: ['birch'], pinned: 2 })
    publish(first)
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    book.close()
    book = SiteBook.open(join(folder, 'site.sqlite'))
    expect(watch().removed(study)).toEqual(['birch'])
    expect(watch().removed({ ...study, roster: roster(3, 'ash birch cedar') })).toEqual([])
  })

  it('R1 a removal that takes effect is warned of once, also across restarts; nothing else is', async () => {
    await after(first)
    await after(roster(2, 'ash birch cedar date'))
    expect(lines).toEqual([])
    await after(roster(3, 'ash cedar date'))
    for (let i = 0; i < 2; i++) {
      await watch().refresh()
      book.close()
      book = SiteBook.open(join(folder, 'site.sqlite'))
    }
    await after(roster(4, 'ash date'))
    expect(lines).toMatchObject([
      { removed: ['birch'], version: 3 },
      { removed: ['cedar'], version: 4 },
    ])
  })

  it('what the officer confirmed stays known where the agent pinned a removal after it', async () => {
    book.noteConfirmed(first)
    await after(roster(2, 'ash cedar'))
    expect([book.confirmedRoster()?.version, book.roster()?.version]).toEqual([1, 2])
  })

  it('R1 a swapped identity key removes who had the other one, and is not pinned', async () => {
    const members = first.members.map((member, i) =>
      i === 1 ? { site: member.site, identity: generateIdentity().publicKey } : member,
    )
    expect(await after(roster(2, 'ash', { members }))).toEqual({ removed: ['birch'], pinned: 1 })
  })
})

describe('R1 everything else waits for the officer', () => {
  it('R1 a join does not take effect by itself', async () => {
    expect(await after(roster(2, 'ash birch cedar date'))).toEqual({ removed: [], pinned: 1 })
    expect(await after(roster(3, 'ash cedar date'))).toEqual({ removed: ['birch'], pinned: 1 })
  })

  it('R1 neither does another coordinator key, nor another committee', async () => {
    const other = { coordinator: generateIdentity().publicKey }
    expect(await after(roster(2, 'ash birch cedar', other))).toEqual({ removed: [], pinned: 1 })
    const names = Array.from({ length: 14 }, (_, i) => `site-${i}`).join(' ')
    const committee = (sites: string[]) => ({ committee: sites.map(siteId) })
    const twelve = names.split(' ').slice(0, 12)
    book.pinRoster(roster(3, names, committee(twelve)))
    const [, ...fewer] = names.split(' ')
    expect((await after(roster(4, fewer.join(' '), committee(fewer.slice(0, 12))))).pinned).toBe(3)
    expect((await after(roster(5, names.split(' ').slice(0, 13).join(' '), committee(twelve)))).pinned).toBe(5)
  })

  it('R1 a sybil that the coordinator adds, or a removal that it makes up, is refused without the admin key', async () => {
    for (const by of [coordinator, generateIdentity()])
      for (const forged of [roster(2, 'ash birch cedar sybil'), roster(2, 'ash cedar')]) {
        publish(forged, by)
        await expect(watch().refresh()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
      }
    const own = generateIdentity()
    publish(roster(2, 'ash cedar', { admin: own.publicKey }), own)
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    publish(roster(2, 'ash birch cedar'))
    shown = { ...shown, roster: encodeRoster(roster(2, 'ash cedar')) }
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    expect(watch().removed(study)).toEqual([])
    expect(book.roster()).toEqual(first)
  })

  it('R1 two rosters of one version: refused, and whoever either removes is out', async () => {
    await after(roster(2, 'ash birch cedar date'))
    publish(roster(2, 'ash cedar'))
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    expect(watch().removed(study)).toEqual(['birch'])
  })

  it("R1 two rosters of the study's own version: whoever the other one removes is out", async () => {
    publish(roster(1, 'ash cedar'))
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    expect(watch().removed(study)).toEqual(['birch'])
    expect(book.roster()).toEqual(first)
  })

  it('R1 an older roster than the newest is refused, and whoever it removes is out all the same', async () => {
    await after(roster(3, 'ash birch cedar date'))
    publish(roster(2, 'ash cedar'))
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    expect(watch().removed(study)).toEqual(['birch'])
  })

  it('R1 a roster of another federation of the same admin is refused, and nothing of it is kept', async () => {
    const other = roster(9, 'elm', { federation: 'other' })
    publish(other)
    await expect(watch().refresh()).rejects.toMatchObject(refused)
    expect(() => book.noteRoster(other)).toThrow(expect.objectContaining(refused))
    expect(() => book.pinRoster(other)).toThrow(expect.objectContaining(refused))
    expect(book.rostersAfter(0)).toEqual([first])
    expect(watch().removed(study)).toEqual([])
    expect(await after(roster(2, 'ash cedar'))).toEqual({ removed: ['birch'], pinned: 2 })
  })

  it('asks nothing before a roster was confirmed', async () => {
    const empty = SiteBook.open(join(folder, 'empty.sqlite'))
    const client = { roster: () => Promise.reject(new Error('asked')) }
    await new RosterWatch({ book: empty, client, log }).refresh()
    empty.close()
  })
})

describe('R1 a study keeps the roster that it was approved under', () => {
  it('R1 a new member never gets into it: the new roster makes another study, to be approved anew', async () => {
    const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
    const id = studyIdOf(manifest, rosterHash(first))
    book.approve({ study: id, manifest, roster: first, source: 'rows' })
    const joined = roster(2, 'ash birch cedar date')
    await after(joined)
    book.pinRoster(joined)
    expect(book.roster()).toEqual(joined)
    const booked = book.booked(id)
    const approved = approvedStudy(id, booked.manifest, booked.roster, siteId('ash'))
    expect(approved.roster).toEqual(first)
    expect(watch().removed(approved)).toEqual([])
    expect(() => memberOf(approved.roster, siteId('date'))).toThrow(expect.objectContaining(refused))
    const anew = studyIdOf(manifest, rosterHash(joined))
    expect(anew).not.toBe(id)
    expect(book.stateOf(anew)).toBeUndefined()
    expect(() => approvedStudy(id, manifest, joined, siteId('ash'))).toThrow(
      expect.objectContaining({ code: 'APPROVAL_REFUSED' }),
    )
  })
})

describe('R1 the officer pins', () => {
  it('R1 no other admin and no older version, even one that only the agent has seen', async () => {
    expect(() => book.pinRoster(roster(2, 'ash birch', { admin: generateIdentity().publicKey }))).toThrow(
      expect.objectContaining(refused),
    )
    await after(roster(3, 'ash birch cedar date'))
    expect(() => book.pinRoster(roster(2, 'ash birch cedar elm'))).toThrow(expect.objectContaining(refused))
    book.pinRoster(roster(3, 'ash birch cedar date'))
    expect(() => book.pinRoster(first)).toThrow(expect.objectContaining(refused))
    expect(() => book.pinRoster(roster(3, 'ash birch cedar elm'))).toThrow(expect.objectContaining(refused))
  })
})
