import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, roundId, siteId, studyId } from '@tributary/shared/ids'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { memberOf } from '@tributary/shared/wire/roster'
import { generateIdentity, PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RoundStore } from '../../../coordinator/rounds/round-store.ts'
import { AnswerLog } from '../../../site-agent/policy/answer-log.ts'
import { PeerCounters } from '../../../site-agent/policy/peer-counters.ts'
import { forged } from '../../harness/forged-orders.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
const open = async (least: number, step = 0) => {
  federation = await InProcessFederation.open({ sites: 4, least, steps: 1, spares: { marginals: 1, gradient: 2 } })
  await federation.reach('answering', step)
}
afterEach(() => {
  vi.restoreAllMocks()
  federation.close()
})

type Announcement = Body<'announcement'>
type Entry = Announcement['contributors'][number]
const ash = () => federation.site('ash')
const answers = () => federation.departed.filter(({ site, kind }) => site === 'ash' && kind === 'answer')
const other = 'f'.repeat(64)

/** The entry of `site` with its statement changed and signed anew by that very site: a site that helps the coordinator. */
const restated = (entry: Entry, change: (body: Body<'contribution'>) => Partial<Body<'contribution'>>): Entry => {
  const { site, body, signature } = entry
  const message = { protocol: PROTOCOL_VERSION, kind: 'contribution', signer: site, body, signature }
  const stated = openBody('contribution', message, memberOf(federation.roster, site))
  const anew = signBody('contribution', site, { ...stated, ...change(stated) }, federation.identityOf(site))
  return { ...entry, body: anew.body, signature: anew.signature }
}
const withEntry = ({ contributors }: Announcement, index: number, change: (entry: Entry) => Entry) => ({
  contributors: contributors.map((entry, i) => (i === index ? change(entry) : entry)),
})

describe('an announcement is refused, and nothing of the key shares leaves', () => {
  beforeEach(() => open(3))

  const expectRefused = async (announcement: Awaited<ReturnType<typeof forged>>, error: object) => {
    await expect(ash().worker.perform({ kind: 'answer', announcement })).rejects.toMatchObject(error)
    expect(answers()).toEqual([])
    // A refused set burns nothing: the honest one is still answered.
    expect(await ash().turn()).toEqual({ task: 'answer', error: null })
    expect(answers()).toHaveLength(1)
  }

  it.each<[string, string, (body: Announcement) => Partial<Announcement>]>([
    ['for another study (R2)', 'study', () => ({ study: studyId(other) })],
    ['under another roster (R1)', 'roster', () => ({ roster: other as Digest })],
    ['whose round is not of its step and attempt (R2)', 'round', () => ({ round: roundId(other) })],
    ['for an attempt beyond the plan (R6)', 'attempt', ({ study }) => ({ attempt: 2, round: roundIdOf(study, 0, 2) })],
    [
      'for another attempt with contributions of this one (R2)',
      'study',
      ({ study }) => ({ attempt: 1, round: roundIdOf(study, 0, 1) }),
    ],
    ['with fewer than the least (R7)', 'contributors', ({ contributors }) => ({ contributors: contributors.slice(2) })],
    [
      'with a site twice',
      'contributors',
      ({ contributors }) => ({ contributors: [...contributors, ...contributors.slice(1, 2)] }),
    ],
    [
      'with a site twice in place of another',
      'contributors',
      ({ contributors: [a, b, c] }) => ({ contributors: [a, b, c, c].filter((entry) => entry !== undefined) }),
    ],
    [
      'with a site that is no member',
      'contributors',
      (body) => withEntry(body, 1, (entry) => ({ ...entry, site: siteId('zed') })),
    ],
    ['for another model than was contributed to', 'contributors', () => ({ model: other as Digest })],
    [
      'with a contribution to another model',
      'contributors',
      (body) => withEntry(body, 1, (entry) => restated(entry, () => ({ model: other as Digest }))),
    ],
    [
      'with a contribution under another deal',
      'contributors',
      (body) => withEntry(body, 1, (entry) => ({ ...entry, deal: other as Digest })),
    ],
    [
      'with what this site did not contribute (R3)',
      'contributors',
      (body) => withEntry(body, 0, (entry) => restated(entry, () => ({ ciphertext: other as Digest }))),
    ],
  ])('%s', async (_, field, change) => {
    // A field of a peer's own statement is named without saying whose: either place will do.
    const announcement = await forged(federation, 'ash', 'announcement', change)
    const places = field === 'study' ? ['study', 'attempt', 'step'] : [field]
    const error = { code: 'ROUND_REFUSED', place: { field: expect.toSatisfy((at: string) => places.includes(at)) } }
    await expectRefused(announcement, error)
  })

  it('signed by another key than the coordinator of the roster (R1)', async () => {
    const announcement = await forged(federation, 'ash', 'announcement', () => ({}), generateIdentity())
    await expectRefused(announcement, { code: 'SIGNATURE_INVALID' })
  })

  it('with a statement that its site did not sign', async () => {
    const announcement = await forged(federation, 'ash', 'announcement', (body) =>
      withEntry(body, 1, (entry) => ({ ...entry, signature: entry.signature.with(0, entry.signature[0]! ^ 1) })),
    )
    await expectRefused(announcement, { code: 'SIGNATURE_INVALID' })
  })

  it('with the statement of one site under the name of another', async () => {
    const announcement = await forged(federation, 'ash', 'announcement', (body) => {
      const [, , third] = body.contributors
      return withEntry(body, 1, ({ site }) => ({ ...(third as Entry), site }))
    })
    await expectRefused(announcement, { code: 'SIGNATURE_INVALID' })
  })
})

it('an announcement with a contribution of an earlier round is refused (R2)', async () => {
  await open(3)
  const early: Entry[] = []
  await forged(federation, 'ash', 'announcement', (body) => {
    early.push(...body.contributors)
    return {}
  })
  await federation.reach('answering', 1)
  const announcement = await forged(federation, 'ash', 'announcement', (body) =>
    withEntry(body, 1, ({ deal }) => ({ ...(early[1] as Entry), deal })),
  )
  await expect(ash().worker.perform({ kind: 'answer', announcement })).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
})

describe('one answer a round (R4)', () => {
  it.each([false, true])(
    'another set is refused, the same one gets identical bytes; restarted between: %s',
    async (restarted) => {
      await open(3)
      const first = await forged(federation, 'ash', 'announcement', () => ({}))
      const without = (gone: string) =>
        forged(federation, 'ash', 'announcement', ({ contributors }) => ({
          contributors: contributors.filter(({ site }) => site !== gone),
        }))
      const seconds = await Promise.all(['ash', 'birch', 'date'].map(without))
      await ash().worker.perform({ kind: 'answer', announcement: first })
      if (restarted) ash().restart()
      for (const announcement of seconds)
        await expect(ash().worker.perform({ kind: 'answer', announcement })).rejects.toMatchObject({
          code: 'ANSWER_REFUSED',
        })
      await ash().worker.perform({ kind: 'answer', announcement: first })
      // `departed` refuses a second answer of other bytes.
      expect(answers()).toMatchObject([{ times: 2 }])
    },
  )

  it.each([
    ['after the set was written and before the answer was', 'after counters.observe'],
    ['after the answer was written', 'after answers.answer'],
    ['before the answer left', 'before client.answer'],
    ['after the answer left', 'after client.answer'],
  ])('killed %s: bound to that set alone, and the same bytes to whoever asks again', async (_, place) => {
    await open(3)
    const first = await forged(federation, 'ash', 'announcement', () => ({}))
    const second = await forged(federation, 'ash', 'announcement', ({ contributors }) => ({
      contributors: contributors.slice(0, 3),
    }))
    ash().gate.killWhere((crossing) => crossing === place)
    await ash().turn()
    expect(ash().crashes).toBe(1)
    expect(answers()).toHaveLength(place === 'after client.answer' ? 1 : 0)
    await expect(ash().worker.perform({ kind: 'answer', announcement: second })).rejects.toMatchObject({
      code: 'ANSWER_REFUSED',
    })
    let stored: Uint8Array | undefined
    ash().restart((dataDir) => {
      const log = AnswerLog.open(join(dataDir, 'answers.sqlite'))
      const about = { study: federation.study, step: 0, attempt: 0, announcement: hashBytes(first.body) }
      stored = log.kept(about)
      log.close()
    })
    expect(stored === undefined).toBe(place === 'after counters.observe')
    for (let i = 0; i < 2; i++) await ash().worker.perform({ kind: 'answer', announcement: first })
    // `departed` refuses a second answer of other bytes.
    expect(answers()).toMatchObject([stored === undefined ? { times: 2 } : { hash: hashBytes(stored) }])
    expect(federation.breaches).toEqual([])
  })
})

describe('a peer whose counter went back (R4)', () => {
  it.each([false, true])(
    'a set with it burns nothing: the honest set of the same attempt is still answered; restarted between: %s',
    async (isRestarted) => {
      await open(3, 1)
      const announcement = await forged(federation, 'ash', 'announcement', (body) =>
        withEntry(body, 1, (entry) => restated(entry, () => ({ counter: 1 }))),
      )
      await expect(ash().worker.perform({ kind: 'answer', announcement })).rejects.toMatchObject({
        code: 'COUNTER_REFUSED',
        message: expect.stringContaining('birch'),
      })
      if (isRestarted) ash().restart()
      expect(await ash().turn()).toEqual({ task: 'answer', error: null })
      expect(answers().filter(({ round }) => round === roundIdOf(federation.study, 1, 0))).toHaveLength(1)
    },
  )

  it('is refused by every other site, and no sum with it opens', async () => {
    await open(4, 0)
    await federation.reach('dealing', 1)
    // What a restored backup or a clone looks like: everything as it was, but the counter. One that does not listen to its peers.
    vi.spyOn(PeerCounters.prototype, 'own').mockReturnValue(1_000)
    // Nor does the coordinator look.
    vi.spyOn(RoundStore.prototype, 'announcedCounter').mockReturnValue(0)
    federation.site('birch').restart((dataDir) => {
      for (const end of ['', '-wal', '-shm']) rmSync(join(dataDir, `counters.sqlite${end}`), { force: true })
    })
    await federation.reach('answering', 1)
    for (const name of ['ash', 'cedar', 'date'])
      expect(await federation.site(name).turn()).toMatchObject({ task: 'answer', error: { code: 'COUNTER_REFUSED' } })
    await federation.turns(['birch'])
    await federation.advance(60_000)
    expect(federation.round).toMatchObject({ step: 1, attempt: 1 })
    expect(federation.coordinator.opened.map(({ step }) => step)).toEqual([0])
  })
})
