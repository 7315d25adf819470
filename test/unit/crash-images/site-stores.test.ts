import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { digest, type RoundId, roundId, siteId, studyId } from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { expect, it, vi } from 'vitest'
import { Ledger } from '../../../site-agent/ledger/ledger.ts'
import { EgressJournal } from '../../../site-agent/link/egress-journal.ts'
import { AnswerLog } from '../../../site-agent/policy/answer-log.ts'
import { BoxKeyRing } from '../../../site-agent/policy/box-key-ring.ts'
import { PeerCounters } from '../../../site-agent/policy/peer-counters.ts'
import { SiteBook } from '../../../site-agent/policy/site-book.ts'
import { requireVolatile } from '../../../site-agent/policy/volatile-mark.ts'
import { Outbox } from '../../../site-agent/update/outbox.ts'
import { crashEverywhere, expectSound, type StoreHistory } from '../../harness/crash-images.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'

/* What a power cut may leave of each store of a hospital: copies at every statement, and everything in between. */
const clock = { now: () => 1_700_000_000_000, sleep: async () => {} }
const study = studyId('a'.repeat(64))
const refused = (code: string) => expect.objectContaining({ code })
const answers = [1, 2, 3].map((n) => digest(String(n).repeat(64)))

const phase = { noiseMultiplier: noiseMultiplier(10), samplingRate: samplingRate(1), steps: 4 }
const charge = (step: number) => ({ study, round: roundIdOf(study, step, 0), query: 0, step, attempt: 0 })
const reservation = {
  study,
  name: 'crashes',
  unit: 'patient' as const,
  epsilon: epsilon(1.1),
  delta: delta(1e-5),
  distance: 0,
  phases: [phase],
}

/** A ledger with its anchor, as a site has them. */
const ledgerHistory = (chargeBy: (ledger: Ledger, step: number) => void): StoreHistory<Ledger> => ({
  open: (folder) =>
    Ledger.open(join(folder, 'ledger.sqlite'), clock, { anchor: join(folder, 'volatile', 'anchor.sqlite') }),
  close: (ledger) => ledger.close(),
  acts: [
    (ledger) => ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) }),
    (ledger) => ledger.reserve(reservation),
    (ledger) => chargeBy(ledger, 0),
    (ledger) => chargeBy(ledger, 1),
    (ledger) => chargeBy(ledger, 1),
    (ledger) => ledger.revoke(study),
  ],
  state: (ledger) => [...ledger.history()].map(({ hash }) => hash),
  check: (survivor, done) => {
    expect(survivor.verify().broken).toBeNull()
    // Never ahead of the ledger: a power cut is no restore.
    expect(() => survivor.refuseRestored()).not.toThrow()
    // Spent is at least what was acknowledged: the third and fourth act are the charges.
    const acknowledged = done >= 4 ? 2 : done >= 3 ? 1 : 0
    expect(survivor.charged(study)).toBeGreaterThanOrEqual(acknowledged)
    // It goes on from where it stands, whatever it finds.
    if (done === 2 || done === 3) survivor.charge(charge(done - 2))
  },
})

it('R6 ledger: the chain verifies, every acknowledged charge is there, at most the one under way besides', async () => {
  await expectSound(ledgerHistory((ledger, step) => ledger.charge(charge(step))))
})

it('R6 planted: a charge acknowledged before its commit, and commits that are not synced, are found in the images', async () => {
  let owed = (): void => undefined
  const late = ledgerHistory((ledger, step) => {
    owed()
    owed = () => ledger.charge(charge(step))
  })
  expect((await crashEverywhere(late)).breaches.join('\n')).toMatch(
    /4 acts done.*expected 0 to be greater than or equal to 1/,
  )
  const { exec } = DatabaseSync.prototype
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    exec.call(this, sql.replace('synchronous = EXTRA', 'synchronous = OFF'))
  })
  const lazy = await crashEverywhere(ledgerHistory((ledger, step) => ledger.charge(charge(step))))
  expect(lazy.breaches.join('\n')).toMatch(/log never synced: neither what was acknowledged/)
  vi.restoreAllMocks()
})

it('R4 ledger: a power cut while an officer acknowledges a restore leaves it acknowledged or not, and nothing uncharged', async () => {
  const evidence = {
    study,
    peer: siteId('river'),
    round: roundIdOf(study, 7, 0),
    step: 7,
    attempt: 0,
    charged: 3,
    counter: 3,
  }
  await expectSound<Ledger>({
    ...ledgerHistory(() => undefined),
    acts: [
      (ledger) => ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) }),
      (ledger) => ledger.reserve(reservation),
      (ledger) => ledger.charge(charge(0)),
      (ledger) => ledger.noteRestored({ ...evidence, lost: 'ledger' }),
      (ledger) => ledger.acknowledgeRestored(() => undefined),
      (ledger) => ledger.charge(charge(1)),
    ],
    check: (survivor, done) => {
      expect(survivor.verify().broken).toBeNull()
      // The acknowledgement may have been under way: then it is there as a whole.
      if (done === 4 && survivor.restoration(() => undefined) !== null)
        expect(() => survivor.charge(charge(2))).toThrow(refused('LEDGER_RESTORED'))
      else if (done === 4) expect(survivor.charged(study)).toBeGreaterThanOrEqual(3)
      if (done < 5) return
      // The anchor may still be of the ledger before: then it is asked once more, and changes nothing.
      survivor.acknowledgeRestored(() => undefined)
      expect(survivor.charged(study)).toBeGreaterThanOrEqual(3)
    },
  })
})

it('R4 answers: an attempt whose answer was being computed never answers another set', async () => {
  const answerOf = (n: number) => new Uint8Array(3_000).fill(n)
  const at = (step: number, announcement: number) => ({ study, step, attempt: 0, announcement: answers[announcement]! })
  const never = (): Uint8Array => {
    throw new Error('must not be computed')
  }
  /** The announcement is bound from the moment at which its answer is computed. */
  const computing = (n: number, bound: () => void) => () => {
    bound()
    return answerOf(n)
  }
  await expectSound<AnswerLog>({
    open: (folder) => AnswerLog.open(join(folder, 'volatile', 'answers.sqlite')),
    close: (log) => log.close(),
    acts: [
      (log, bound) => log.answer(at(0, 0), computing(1, bound)),
      (log, bound) => log.answer(at(1, 1), computing(2, bound)),
      (log) => log.answer(at(0, 0), never),
    ],
    // What the log knows shows only in what it refuses.
    state: () => null,
    check: (survivor, done) => {
      for (const [step, bound] of [1, 3].entries()) {
        if (done >= bound) expect(() => survivor.answer(at(step, 2), never)).toThrow(refused('ANSWER_REFUSED'))
        if (done > bound) expect(survivor.answer(at(step, step), never)).toEqual(answerOf(step + 1))
        else if (done === bound)
          expect(survivor.answer(at(step, step), () => answerOf(step + 1))).toEqual(answerOf(step + 1))
      }
    },
  })
})

it('R4 counters: one that was given out is never given out again, one that was seen is not forgotten', async () => {
  const seen = (counter: number, peer: string) => ({
    study,
    peer: siteId(peer),
    voice: digest((peer === 'north' ? '1' : '2').repeat(64)),
    round: roundId(String(counter).repeat(64)),
    counter,
    statement: { body: Uint8Array.of(counter), signature: new Uint8Array(64).fill(counter) },
  })
  const refusesToGoBack = (counters: PeerCounters, counter: number, peer: string): boolean => {
    try {
      counters.observe(seen(counter, peer))
      return false
    } catch (thrown) {
      expect(thrown).toEqual(refused('COUNTER_REFUSED'))
      return true
    }
  }
  await expectSound<PeerCounters>({
    open: (folder) => PeerCounters.open(join(folder, 'volatile', 'counters.sqlite')),
    close: (counters) => counters.close(),
    acts: [
      (counters) => counters.nextOwn(),
      (counters) => counters.observe(seen(5, 'north'), seen(5, 'river')),
      (counters) => counters.nextOwn(),
      (counters) => counters.observe(seen(7, 'north'), seen(7, 'river')),
    ],
    // Reading a counter changes it.
    state: () => null,
    check: (survivor, done) => {
      const given = done >= 3 ? 2 : done >= 1 ? 1 : 0
      const next = survivor.nextOwn()
      expect(next).toBeGreaterThan(given)
      expect(next).toBeLessThanOrEqual(given + 2)
      // North and river were seen together or not at all.
      const [north, river] = ['north', 'river'].map((peer) => refusesToGoBack(survivor, done < 3 ? 4 : 6, peer))
      expect(north).toBe(river)
      if (done === 2 || done === 4) expect(north).toBe(true)
    },
  })
})

it('R3 outbox: a round seals once and deals once; files and rows agree, whatever is left of either', async () => {
  const round = (n: number): RoundId => roundId(String(n).repeat(64))
  const bytes = (n: number) => new Uint8Array(2_000).map((_, i) => (i * 31 + n) & 255)
  const message = (n: number) => ({
    protocol: 1,
    kind: 'contribution',
    signer: 'north',
    body: new Uint8Array([n, 2, 3]),
    signature: new Uint8Array(64).fill(n),
  })
  const model = answers[0]!
  const rounds = [1, 2].map(round)
  await expectSound<Outbox>({
    open: (folder) => Outbox.open(join(folder, 'volatile', 'outbox')),
    close: (outbox) => outbox.close(),
    acts: [
      (outbox) => outbox.storeDeal(round(1), { message: message(1), boxes: [bytes(1), bytes(2)] }),
      (outbox) => outbox.begin({ round: round(1), model }),
      (outbox) => outbox.store(round(1), { message: message(3), parts: [bytes(3), bytes(4).subarray(1)] }),
      (outbox) => outbox.acknowledge(round(1)),
      (outbox) => outbox.storeDeal(round(2), { message: message(4), boxes: [bytes(4)] }, [siteId('river')]),
      (outbox) => outbox.discard([round(1)]),
      (outbox) => outbox.begin({ round: round(2), model }),
      (outbox) => outbox.store(round(2), { message: message(5), parts: [bytes(5)] }),
      (outbox) => outbox.disclaim(round(3)),
      (outbox) => outbox.storeOpening(round(3), message(6)),
      (outbox) => outbox.noteRemoved(round(4), [siteId('river')]),
      (outbox) => outbox.prune(new Set()),
    ],
    // `dealt` and `stored` read the files: a row whose file is missing or damaged would throw.
    state: (outbox) => [
      ...rounds.map((each) => [
        outbox.dealt(each),
        outbox.removedBy(each),
        outbox.stored(each),
        outbox.isAcknowledged(each),
      ]),
      outbox.opening(round(3)),
      outbox.removedBy(round(4)),
    ],
    check: async (survivor, done) => {
      // Begun before the crash: the key is gone, nobody may seal again.
      if (done >= 2) expect(survivor.begin({ round: round(1), model }).state).not.toBe('begun')
      if (done >= 7) expect(survivor.begin({ round: round(2), model }).state).not.toBe('begun')
      // Opened or about to be: nothing is sealed under that deal (R24).
      if (done >= 9) expect(() => survivor.begin({ round: round(3), model })).toThrow(refused('ROUND_REFUSED'))
      if (done >= 1)
        await expect(survivor.storeDeal(round(1), { message: message(9), boxes: [] })).rejects.toEqual(
          refused('ROUND_REFUSED'),
        )
    },
  })
})

it('book: what the officer decided stands', async () => {
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const roster = {
    federation: 'tests',
    version: 1,
    admin: new Uint8Array(32).fill(99),
    committee: [],
    coordinator: new Uint8Array(32).fill(1),
    members: manifest.sites.map(({ name }, n) => ({ site: siteId(name), identity: new Uint8Array(32).fill(n + 2) })),
  }
  await expectSound<SiteBook>({
    open: (folder) => SiteBook.open(join(folder, 'site.sqlite')),
    close: (book) => book.close(),
    acts: [
      (book) => book.addSource({ name: 'patients', path: '/data/patients.csv', overrides: { delimiter: ';' } }),
      (book) => book.pinRoster(roster),
      (book) => book.noteShown(study),
      (book) => book.approve({ study, manifest, roster, source: 'patients' }),
      (book) => book.setState(study, 'paused'),
      (book) => book.approve({ study, manifest, roster, source: 'patients' }),
      (book) => book.setState(study, 'revoked'),
      (book) => book.removeSource('patients'),
    ],
    state: (book) => [book.sources(), book.roster(), book.shown(), book.studies()],
  })
})

it('egress journal: what was noted before it was sent stays noted, in order', async () => {
  const message = (n: number) => ({
    protocol: 1,
    kind: 'deal',
    signer: 'north',
    body: new Uint8Array([n]),
    signature: new Uint8Array(64).fill(n),
  })
  await expectSound<EgressJournal>({
    open: (folder) => EgressJournal.open(join(folder, 'egress.sqlite'), clock),
    close: (journal) => journal.close(),
    acts: [1, 2, 3, 4].map((n) => (journal) => journal.note(message(n), n % 2 === 0 ? [] : [new Uint8Array(n)])),
    state: (journal) => journal.latest(10),
    check: (survivor, done) => {
      survivor.note(message(9))
      expect(survivor.latest(1)[0]?.sequence).toBeGreaterThan(done)
    },
  })
})

it('box keys: those whose public half was signed stay, and an epoch once erased is neither used nor made again', async () => {
  const identity = generateIdentity()
  const me = siteId('north')
  const keyOf = (ring: BoxKeyRing, epoch: number) => {
    try {
      return hashBytes(ring.privateKeys(study, epoch).publicKey)
    } catch (thrown) {
      expect(thrown).toEqual(refused('BOX_INVALID'))
      return null
    }
  }
  await expectSound<BoxKeyRing>({
    open: (folder) => new BoxKeyRing(join(folder, 'volatile', 'box-keys')),
    close: () => undefined,
    acts: [
      (ring) => ring.statement(study, 0, me, identity),
      (ring) => ring.statement(study, 1, me, identity),
      (ring) => ring.statement(studyId('b'.repeat(64)), 0, me, identity),
      (ring) => ring.eraseBefore(study, 1),
      (ring) => ring.statement(study, 2, me, identity),
      (ring) => ring.eraseBefore(study, 2),
    ],
    state: (ring) => [0, 1, 2].map((epoch) => keyOf(ring, epoch)),
    check: (survivor, done) => {
      const erased = done >= 6 ? [0, 1] : done >= 4 ? [0] : []
      for (const epoch of erased)
        expect(() => survivor.statement(study, epoch, me, identity)).toThrow(refused('ROUND_REFUSED'))
      if (done >= 3) survivor.statement(studyId('b'.repeat(64)), 0, me, identity)
    },
  })
})

it('R4 volatile mark: a data directory that died in its first moment is no restored one', async () => {
  await expectSound<{ readonly folder: string }>({
    open: (folder) => ({ folder }),
    close: () => undefined,
    acts: [({ folder }) => requireVolatile(folder), ({ folder }) => requireVolatile(folder)],
    state: () => null,
    check: ({ folder }, done) => {
      requireVolatile(folder)
      if (done < 1) return
      rmSync(join(folder, 'volatile'), { recursive: true })
      expect(() => requireVolatile(folder)).toThrow(refused('VOLATILE_LOST'))
    },
  })
})
