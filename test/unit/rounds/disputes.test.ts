import { type Digest, type RoundId, type SiteId, siteId } from '@tributary/shared/ids'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { FederationHandlers, PeerIdentity } from '@tributary/shared/wire/federation-api'
import type { MessageKind } from '@tributary/shared/wire/messages'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const [ash, birch, cedar] = ['ash', 'birch', 'cedar'].map(siteId) as [SiteId, SiteId, SiteId]
const open = async (sites = 5, least = 4, steps = 1) => {
  federation = await InProcessFederation.open({ sites, least, steps, spares: { marginals: 2, gradient: 3 } })
}

/** What `site` really signed, changed and signed anew by it: a site that plays false with its own key. */
const resigned = (kind: MessageKind, site: SiteId, message: SignedMessage, change: object): SignedMessage => {
  const body = openBody(kind, message, memberOf(federation.roster, site))
  return signBody(kind, site, { ...body, ...change }, federation.identityOf(site))
}
const roundOf = (message: SignedMessage) => (decodeCanonical(message.body) as { round: RoundId }).round

type Said = Body<'check'>['checks'][number]
type Falsehood = (honest: FederationHandlers) => Partial<FederationHandlers>
/** In the attempt that is open now, and in no later one. */
const playing = (...falsehoods: Falsehood[]): RoundId => {
  const { coordinator } = federation
  const { round } = federation.round
  for (const falsehood of falsehoods) {
    const honest = coordinator.handlers
    const changed = falsehood(honest) as Record<string, (peer: PeerIdentity, message: SignedMessage) => unknown>
    const scoped = Object.entries(changed).map(([name, play]) => [
      name,
      (peer: PeerIdentity, message: SignedMessage, ...rest: unknown[]) => {
        const chosen = roundOf(message) === round ? changed : (honest as unknown as typeof changed)
        return (chosen[name] ?? play)(peer, message, ...(rest as []))
      },
    ])
    coordinator.handlers = { ...honest, ...Object.fromEntries(scoped) }
  }
  return round
}

/** Deals `holder` a box that no key opens, and stands by it. */
const badDealer = (dealer: SiteId, holder: SiteId): Falsehood => {
  let deal: Digest | undefined
  return (honest) => ({
    putDeal: async (peer, message, boxes) => {
      if (peer.site !== dealer) return await honest.putDeal(peer, message, boxes)
      const body = openBody('deal', message, memberOf(federation.roster, dealer))
      const at = body.boxes.findIndex(({ to }) => to === holder)
      const spoilt = boxes.map((box, i) => (i === at ? box.with(2000, box[2000]! ^ 1) : box))
      const listed = body.boxes.map((box, i) => ({ ...box, box: hashBytes(spoilt[i] as Uint8Array) }))
      const signed = resigned('deal', dealer, message, { boxes: listed })
      deal = hashBytes(signed.body)
      await honest.putDeal(peer, signed, spoilt)
    },
    openDeal: (peer, message) =>
      honest.openDeal(peer, peer.site === dealer ? resigned('deal-opening', dealer, message, { deal }) : message),
  })
}

/** Signs another value than its box of `dealer`'s deal gives. */
const lyingHolder =
  (holder: SiteId, dealer: SiteId): Falsehood =>
  (honest) => ({
    check: (peer, message) => {
      if (peer.site !== holder) return honest.check(peer, message)
      const { checks } = openBody('check', message, memberOf(federation.roster, holder))
      const changed = checks.map((check) =>
        check.site === dealer ? { ...check, value: new Uint8Array(8).fill(1) } : check,
      )
      return honest.check(peer, resigned('check', holder, message, { checks: changed }))
    },
  })

/** Signs another key of its box than it derives. */
const otherKey =
  (holder: SiteId): Falsehood =>
  (honest) => ({
    openBox: (peer, message) =>
      honest.openBox(
        peer,
        peer.site === holder ? resigned('box-opening', holder, message, { key: new Uint8Array(44).fill(7) }) : message,
      ),
  })

const silentDealer =
  (dealer: SiteId): Falsehood =>
  (honest) => ({
    openDeal: (peer, message) => (peer.site === dealer ? Promise.resolve() : honest.openDeal(peer, message)),
  })

const disputes = () => federation.coordinator.disputes.disputes(federation.study)
const verdicts = () => disputes().map(({ dealer, verdict }) => ({ dealer, verdict }))
const rounds = () => federation.coordinator.rounds.rounds(federation.study)
const finish = async () => {
  await federation.complete()
  // The study may be over before its disputes are.
  for (let i = 0; i < 40 && disputes().some(({ phase }) => phase !== 'closed'); i++) {
    await federation.turns()
    await federation.advance(5_000)
  }
  await checkInvariants(federation)
  for (const { dealer, round } of disputes()) {
    const state = rounds().find((each) => each.round === round)
    expect(state?.contributors).not.toContain(dealer)
    expect(federation.departed.filter((each) => each.round === round && each.site === dealer)).not.toContainEqual(
      expect.objectContaining({ kind: 'contribution' }),
    )
  }
}
const counts = () => federation.coordinator.opened.map((opened) => opened.counts)

describe('R24 a disputed deal', () => {
  it('of a bad dealer is left out of the attempt, the rest is opened, and the dealer is named with proof', async () => {
    await open()
    const round = playing(badDealer(ash, cedar))
    await finish()
    expect(rounds()[0]).toMatchObject({ round, phase: 'opened', disputed: [ash] })
    expect(rounds()[0]?.contributors).not.toContain(ash)
    expect(verdicts()).toMatchObject([{ dealer: ash, verdict: { dealer: 'bad', holders: [] } }])
    const [dispute] = disputes()
    const { disputes: store } = federation.coordinator
    for (const kind of ['deal', 'deal-opening'] as const)
      expect(openBody(kind, store.message(dispute!, kind, ash)!, memberOf(federation.roster, ash))).toMatchObject({
        round,
      })
    expect(store.boxes(dispute!).size).toBe(5)
    expect(store.messages(dispute!, 'check')).toHaveLength(5)
  })

  it('excludes nobody from the next attempt, nor from the next step', async () => {
    await open(5, 4)
    playing(badDealer(ash, cedar))
    await finish()
    expect(counts()).toEqual([
      [0, 1, 1, 1, 1],
      [1, 1, 1, 1, 1],
    ])
    federation.close()
    await open(3, 3)
    playing(badDealer(ash, cedar))
    await finish()
    expect(rounds()[0]).toMatchObject({
      phase: 'aborted',
      broadcast: false,
      reason: 'ash dealt shares that disagree: 2 sites are left where 3 are needed',
    })
    expect(rounds()[1]).toMatchObject({ attempt: 1, phase: 'opened', contributors: [ash, birch, cedar] })
    // Nobody was charged for the attempt that was given up.
    expect(federation.outcome.attempts).toEqual([1, 1])
    for (const site of federation.sites) expect(site.charged().size).toBe(2)
  })

  it('of an honest dealer: a holder that lied is named with proof, the dealer is not', async () => {
    await open()
    playing(lyingHolder(cedar, ash))
    await finish()
    expect(verdicts()).toMatchObject([
      { dealer: ash, verdict: { dealer: 'sound', holders: [{ site: cedar, finding: 'lied' }] } },
    ])
    expect(disputes()).toMatchObject([{ complainants: [cedar], shown: [cedar] }])
    expect(rounds()[0]).toMatchObject({ phase: 'opened', disputed: [ash] })
  })

  it('whose dealer and holder sign different keys of one box names both and decides nothing', async () => {
    await open()
    playing(lyingHolder(cedar, ash), otherKey(cedar))
    await finish()
    expect(verdicts()).toMatchObject([
      { dealer: ash, verdict: { dealer: 'sound', holders: [{ site: cedar, finding: 'contradicts' }] } },
    ])
    const why = disputes()[0]?.verdict?.why
    expect(why).toContain(ash)
    expect(why).toContain(cedar)
  })

  it('whose complainant starts again while it is asked for its box still gives its answer in the open round', async () => {
    await open()
    // Its answer about the box is lost, so that it is asked until the deadline.
    playing(lyingHolder(cedar, ash), () => ({ openBox: () => Promise.resolve() }))
    await federation.reach('answering')
    const { round } = federation.round
    expect(disputes()).toMatchObject([{ dealer: ash, phase: 'opening-boxes', complainants: [cedar] }])
    federation.site('cedar').restart()
    for (let i = 0; i < 3; i++) await federation.turns(['cedar'])
    const answers = federation.departed.filter((each) => each.round === round && each.kind === 'answer')
    expect(answers.map(({ site }) => site)).toContain(cedar)
    expect(federation.coordinator.rounds.round(federation.study, 0, 0)?.answered).toContain(cedar)
    await finish()
    expect(federation.outcome.outcome).toBe('completed')
  })

  it('whose dealer will not open it is closed at the deadline with that dealer named, no holder asked for a key', async () => {
    await open()
    playing(lyingHolder(cedar, ash), silentDealer(ash))
    await finish()
    expect(verdicts()).toMatchObject([{ dealer: ash, verdict: { dealer: 'unopened', holders: [] } }])
    expect(federation.departed.filter(({ kind }) => kind === 'box opening')).toEqual([])
  })

  it('whose complaining holder says no more names it as silent', async () => {
    await open()
    playing(lyingHolder(cedar, ash), () => ({ openBox: () => Promise.resolve() }))
    await finish()
    expect(verdicts()).toMatchObject([
      { dealer: ash, verdict: { dealer: 'sound', holders: [{ site: cedar, finding: 'silent' }] } },
    ])
  })

  it('a wrong value about every deal spoils that attempt only, and every dispute names its holder', async () => {
    await open(4, 3)
    const lies = [ash, birch, cedar, siteId('date')].map((dealer) => lyingHolder(cedar, dealer))
    playing(...lies)
    await finish()
    expect(rounds()[0]).toMatchObject({ phase: 'aborted', broadcast: false })
    expect(verdicts()).toHaveLength(4)
    for (const { verdict } of verdicts()) expect(verdict?.holders).toEqual([{ site: cedar, finding: 'lied' }])
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
  })

  it.each<[string, string, (checks: readonly Said[]) => readonly Said[]]>([
    ['leaves a deal out', 'checks', (checks) => checks.slice(1)],
    ['says nothing', 'checks', () => []],
    ['speaks of a deal twice', 'checks', (checks) => [...checks, checks[0]!]],
    ['speaks of one deal in place of another', 'checks[1].site', (checks) => checks.with(1, checks[0]!)],
    ['takes them in another order', 'checks[0].site', (checks) => checks.toReversed()],
    [
      'means another deal',
      'checks[0].deal',
      (checks) => checks.with(0, { ...checks[0]!, deal: hashBytes(new Uint8Array()) }),
    ],
  ])('is none where a check %s: it is refused, naming %s, and the round goes on without', async (_, field, change) => {
    await open()
    const refusals: unknown[] = []
    playing((honest) => ({
      check: async (peer, message) => {
        if (peer.site !== cedar) return await honest.check(peer, message)
        const { checks } = openBody('check', message, memberOf(federation.roster, cedar))
        const sent = honest.check(peer, resigned('check', cedar, message, { checks: change(checks) }))
        await sent.catch((thrown: unknown) => refusals.push(thrown))
        return await sent
      },
    }))
    await finish()
    expect(refusals[0]).toMatchObject({ code: 'ROUND_REFUSED', place: { field } })
    expect(disputes()).toEqual([])
    expect(rounds()[0]).toMatchObject({ phase: 'opened', disputed: [], checked: [ash, birch, 'date', 'elm'] })
    expect(counts()[0]).toEqual([1, 1, 1, 1, 1])
  })

  describe('R24 a holder that plays false about every deal of every attempt', () => {
    const names = ['ash', 'birch', 'cedar', 'date', 'elm', 'fir'].map(siteId)
    /** As often as it is asked, until the study is over. */
    const playingOn = (...falsehoods: Falsehood[]) => {
      const { coordinator } = federation
      for (const falsehood of falsehoods)
        coordinator.handlers = { ...coordinator.handlers, ...falsehood(coordinator.handlers) }
    }
    const lies = (n: number) => names.slice(0, n).map((dealer) => lyingHolder(cedar, dealer))
    const nulls: Falsehood = (honest) => ({
      check: (peer, message) => {
        if (peer.site !== cedar) return honest.check(peer, message)
        const { checks } = openBody('check', message, memberOf(federation.roster, cedar))
        const changed = checks.map((check) => ({ ...check, value: null }))
        return honest.check(peer, resigned('check', cedar, message, { checks: changed }))
      },
    })
    const mute: Falsehood = (honest) => ({
      openBox: (peer, message) => (peer.site === cedar ? Promise.resolve() : honest.openBox(peer, message)),
    })
    const ways: [string, number, number, (n: number) => Falsehood[], string][] = [
      ['signs wrong values', 4, 3, lies, 'lied'],
      ['signs wrong values', 6, 5, lies, 'lied'],
      ['signs that no box opens', 4, 3, () => [nulls], 'lied'],
      ['signs wrong values, and other keys than it derives', 6, 5, (n) => [...lies(n), otherKey(cedar)], 'contradicts'],
      ['signs that no box opens, and shows no key', 6, 5, () => [nulls, mute], 'silent'],
    ]

    it.each(ways)('and %s costs %i sites, least %i, one attempt, and is named', async (_, n, least, ways, finding) => {
      await open(n, least, 2)
      playingOn(...ways(n))
      await finish()
      expect(federation.outcome).toMatchObject({ outcome: 'completed' })
      const [spoilt, ...later] = rounds()
      expect(spoilt).toMatchObject({ phase: 'aborted', broadcast: false, attempt: 0, distrusted: [] })
      expect(later).toHaveLength(3)
      // Not listened to; but it deals, is counted and answers as before.
      for (const round of later) {
        expect(round).toMatchObject({ phase: 'opened', disputed: [], distrusted: [cedar] })
        expect(round.contributors).toEqual(expect.arrayContaining(names.slice(0, n).filter((site) => site !== cedar)))
      }
      // What it is asked about its boxes may make it late for one deal.
      for (const { contributors } of later.slice(1)) expect(contributors).toContain(cedar)
      expect(federation.departed.filter(({ site, kind }) => site === cedar && kind === 'answer')).not.toEqual([])
      expect(verdicts()).toHaveLength(n)
      // Its own deal it may not have opened.
      for (const { dealer, verdict } of verdicts())
        if (dealer !== cedar) expect(verdict?.holders).toEqual([{ site: cedar, finding }])
    })

    it('and is slow to be judged spoils no other attempt meanwhile: the next waits for the verdicts, then goes on', async () => {
      await open(4, 3)
      playingOn(nulls, mute)
      for (let i = 0; i < 12; i++) await federation.turns()
      expect(federation.round).toMatchObject({ attempt: 1, phase: 'checking', checked: names.slice(0, 4) })
      await federation.advance(1_000 * federation.manifest.deadlines.deal_seconds)
      for (let i = 0; i < 3 && federation.round.phase === 'checking'; i++) await federation.turns()
      expect(federation.round).toMatchObject({ attempt: 1, distrusted: [cedar], disputed: [] })
      await finish()
      expect(federation.outcome.outcome).toBe('completed')
    })

    it.each(['before', 'after'])(
      'a sift %s its disputes are stored is the same in a coordinator started again',
      async (when) => {
        await open(4, 3)
        playingOn(nulls)
        const { coordinator } = federation
        await federation.reach('checking')
        coordinator.gate.killWhere((crossing) => crossing === `${when} disputes.transaction`)
        const restart = coordinator.restart.bind(coordinator)
        coordinator.restart = async () => {
          await restart()
          playingOn(nulls)
        }
        await finish()
        expect(rounds()[0]).toMatchObject({ phase: 'aborted', disputed: names.slice(0, 4), distrusted: [] })
        expect(rounds()[1]).toMatchObject({ phase: 'opened', disputed: [], distrusted: [cedar] })
      },
    )
  })

  it.each(['before disputes.transaction', 'after disputes.transaction', 'before disputes.save', 'after disputes.save'])(
    'goes on to the same verdict in a coordinator that is killed %s, each time',
    async (place) => {
      await open()
      const falsehoods = [lyingHolder(cedar, ash)]
      const round = playing(...falsehoods)
      const { coordinator } = federation
      let kills = 0
      const arm = () => {
        let left = kills
        coordinator.gate.killWhere((crossing) => crossing === place && left-- === 0)
      }
      const restart = coordinator.restart.bind(coordinator)
      coordinator.restart = async () => {
        kills++
        await restart()
        // The false holder's own site is still the same one.
        if (rounds().some((each) => each.round === round && each.phase === 'checking')) playing(...falsehoods)
        if (kills < 3) arm()
      }
      arm()
      await finish()
      expect(kills).toBeGreaterThan(0)
      expect(verdicts()).toMatchObject([
        { dealer: ash, verdict: { dealer: 'sound', holders: [{ site: cedar, finding: 'lied' }] } },
      ])
    },
  )

  it('is none of a dealer that withdrew meanwhile: it has lost the keys, and its deal is used for nothing', async () => {
    await open(4, 3)
    playing(lyingHolder(cedar, ash))
    await federation.reach('checking')
    const { round, step, attempt } = federation.round
    const { rosterHash: roster } = federation.coordinator.studies.study(federation.study)
    const fields = { study: federation.study, step, attempt, round, roster }
    const withdrawal = signBody('withdrawal', ash, fields, federation.identityOf(ash))
    await federation.coordinator.handlers.withdraw({ site: ash, serial: '01' }, withdrawal)
    await federation.complete()
    expect(disputes()).toEqual([])
    expect(rounds()[0]).toMatchObject({ phase: 'opened', withdrawn: [ash], contributors: [birch, cedar, 'date'] })
  })

  it('is none where a holder brought no box keys for the epoch: it is not asked, and no dealer is blamed', async () => {
    await open(4, 3, 2)
    const { studies } = federation.coordinator
    const all = studies.boxKeys.bind(studies)
    await federation.reach('contributing')
    // From the next step on, as if that began an epoch while cedar was away.
    studies.boxKeys = (study, epoch) => all(study, epoch).filter(({ site }) => site !== cedar)
    await finish()
    expect(rounds().map(({ phase, holders }) => [phase, holders.includes(cedar)])).toEqual([
      ['opened', true],
      ['opened', false],
      ['opened', false],
    ])
    expect(disputes()).toEqual([])
    expect(counts()).toEqual(Array(3).fill([1, 1, 1, 1]))
    const later = rounds()[1]?.round
    const sent = federation.departed.filter(({ site, round }) => site === cedar && round === later)
    expect(sent.map(({ kind }) => kind).toSorted()).toEqual(['contribution', 'deal'])
  })

  it('holds no site back once it is decided, and none is sent away before', async () => {
    await open(3, 3, 1)
    const { manifest } = federation
    const dispatched = playing(lyingHolder(cedar, ash), silentDealer(ash))
    for (let i = 0; i < 6; i++) await federation.turns()
    // Everybody has checked the next attempt's deals, which are not sifted before the verdict.
    expect(federation.round).toMatchObject({ attempt: 1, phase: 'checking', checked: [ash, birch, cedar] })
    federation.coordinator.studies.orderStop(federation.study, 'enough')
    await federation.tick()
    expect(federation.isOver).toBe(true)
    const half = 500 * manifest.deadlines.deal_seconds
    await federation.advance(half)
    expect((await federation.site('birch').next()).kind).toBe('wait')
    const waits = federation.coordinator.handlers.next(
      { site: birch, serial: '01' },
      { study: federation.study, waitMs: 60_000 },
      new AbortController().signal,
    )
    await federation.advance(half)
    expect((await waits).kind).toBe('finished')
    expect(disputes()).toMatchObject([{ round: dispatched, phase: 'closed', verdict: { dealer: 'unopened' } }])
  })
})
