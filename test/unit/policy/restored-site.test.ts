import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digest, type SiteId, type StudyId, siteId, studyId } from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { signBody } from '@tributary/shared/wire/body'
import { decodeCanonical } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RoundStore } from '../../../coordinator/rounds/round-store.ts'
import { PeerCounters } from '../../../site-agent/policy/peer-counters.ts'
import { peerVoices } from '../../../site-agent/policy/peer-voices.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
let backup: string
beforeEach(async () => {
  backup = mkdtempSync(join(tmpdir(), 'tributary-backup-'))
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 4, spares: { marginals: 1, gradient: 6 } })
})
afterEach(() => {
  vi.restoreAllMocks()
  federation.close()
  rmSync(backup, { recursive: true })
})

const birch = () => federation.site('birch')
const left = (kind: string) => federation.departed.filter((each) => each.site === birch().name && each.kind === kind)
const none = () => undefined
const restoredError = { code: 'LEDGER_RESTORED' }
/** Attempts that birch's ledger has charged. */
const spent = () => birch().ledger.charged(federation.study)

/** Copies the whole data directory at step `from`, runs on to step `to`, and puts back what `isRestored` names. */
const restored = async (
  from: number,
  to: number,
  isRestored: (file: string) => boolean,
): Promise<{ truth: number }> => {
  await federation.reach('dealing', from)
  birch().restart((dataDir) => cpSync(dataDir, backup, { recursive: true }))
  await federation.reach('dealing', to)
  const truth = spent()
  expect(truth).toBeGreaterThan(from)
  birch().restart((dataDir) => {
    for (const name of ['ledger.sqlite', 'anchor.sqlite', 'counters.sqlite', 'answers.sqlite', 'outbox', 'box-keys']) {
      if (!isRestored(name)) continue
      for (const end of ['', '-wal', '-shm']) rmSync(join(dataDir, `${name}${end}`), { recursive: true, force: true })
      cpSync(join(backup, name), join(dataDir, name), { recursive: true })
    }
  })
  return { truth }
}

/** Turns of everybody until birch is asked to contribute, and its answer to that; undefined: the study ended before. */
const nextContribution = async () => {
  for (let i = 0; i < 60 && !federation.isOver; i++) {
    for (const { name } of federation.sites) {
      if (federation.isOver) return undefined
      const { task, error } = await federation.site(name).turn()
      await federation.quiet()
      if (name === 'birch' && (task === 'contribute' || error !== null)) return error
    }
  }
  return undefined
}

describe('a whole data directory that was put back (R4)', () => {
  it.each([
    ['two steps old', 1],
    ['one step old', 2],
  ])('%s: its peers show it its own signature, before it charges or seals anything', async (_, from) => {
    const { truth } = await restored(from, 3, () => true)
    const [before, contributions] = [spent(), left('contribution').length]
    expect(before).toBeLessThan(truth)
    expect(await nextContribution()).toMatchObject({
      ...restoredError,
      message: expect.stringMatching(/^(ash|cedar|date) holds a contribution of this site to .* step 2, attempt 0/),
    })
    expect(spent()).toBe(before)
    expect(left('contribution')).toHaveLength(contributions)
    expect(birch().gate.trace).not.toContain('execute')
    // Nobody waits for it, and nothing more is done, whatever is asked, after a restart too.
    expect(left('withdrawal')).toHaveLength(1)
    birch().restart()
    await federation.complete()
    expect(federation.outcome.outcome).toBe('completed')
    expect(left('contribution')).toHaveLength(contributions)
    expect(() => birch().ledger.spent()).toThrow(expect.objectContaining(restoredError))

    // Acknowledged: nobody knows what left since, so all of it is charged, and the answer log is known to be lost.
    const restoration = birch().ledger.acknowledgeRestored(none)
    expect(restoration).toMatchObject({
      isVolatileLost: true,
      missingEntries: 0,
      studies: [{ here: before, seen: truth }],
    })
    expect(spent()).toBeGreaterThanOrEqual(truth)
    const [study] = birch().ledger.spent().studies
    expect(study?.attempts.every(({ reserved, charged }) => reserved === charged)).toBe(true)
    expect(birch().ledger.verify().broken).toBeNull()
    expect(birch().ledger.acknowledgeRestored(none)).toBeNull()
  })

  it('planted: peers that keep what they saw to themselves let it spend twice', async () => {
    vi.spyOn(PeerCounters.prototype, 'seen').mockReturnValue([])
    // Nor does the coordinator look.
    vi.spyOn(RoundStore.prototype, 'announcedCounter').mockReturnValue(0)
    const { truth } = await restored(1, 3, () => true)
    expect(await nextContribution()).toBeNull()
    expect(birch().gate.trace).toContain('client.contribute')
    expect(spent()).toBeLessThan(truth + 1)
  })
})

describe('a directory that was put back to before another study was approved (R4)', () => {
  const forgotten = studyId('f'.repeat(64))
  /** What ash saw of birch in a study that birch's directory has never heard of. */
  const sawForgotten = async (counter: number) => {
    const round = roundIdOf(forgotten, 4, 0)
    const hash = digest('0'.repeat(64))
    const about = {
      study: forgotten,
      step: 4,
      attempt: 0,
      round,
      roster: hash,
      model: hash,
      deal: hash,
      ciphertext: hash,
    }
    const body = { ...about, bytes: 1, counter, charged: 5 }
    const statement = signBody('contribution', birch().name, body, federation.identityOf(birch().name))
    const [voice] = peerVoices({ roster: federation.roster, sites: [birch().name], me: siteId('ash') } as never)
    federation.site('ash').restart((dataDir) => {
      const counters = PeerCounters.open(join(dataDir, 'counters.sqlite'))
      counters.observe({ study: forgotten, peer: birch().name, voice: voice!, round, counter, statement })
      counters.close()
    })
  }
  const reservation = {
    name: 'forgotten',
    unit: 'patient',
    epsilon: epsilon(1),
    delta: delta(1e-5),
    distance: 0,
  } as const
  const phase = { noiseMultiplier: noiseMultiplier(10), samplingRate: samplingRate(1), steps: 9 }
  const reservationOf = (study: StudyId) =>
    study === forgotten ? { study, ...reservation, phases: [phase] } : undefined

  it('its peers in a new study show it the forgotten one; nothing is acknowledged before that one is charged to its end', async () => {
    await sawForgotten(100)
    expect(await nextContribution()).toMatchObject({
      ...restoredError,
      message: expect.stringMatching(/^ash holds a contribution of this site to ffffffffffff, step 4, attempt 0/),
    })
    expect([spent(), left('contribution')]).toEqual([0, []])
    expect(() => birch().ledger.acknowledgeRestored(none)).toThrow(
      expect.objectContaining({ ...restoredError, message: expect.stringContaining('ffffffffffff') }),
    )
    expect(birch().ledger.restoration(none)).toMatchObject({ unpriced: [forgotten], isVolatileLost: true })
    expect(() => birch().ledger.spent()).toThrow(expect.objectContaining(restoredError))
    expect(birch().ledger.acknowledgeRestored(reservationOf)).toMatchObject({ unpriced: [], isVolatileLost: true })
    const charged = birch()
      .ledger.spent()
      .studies.find(({ study }) => study === forgotten)
    expect(charged?.attempts).toEqual([{ reserved: 9, charged: 9 }])
  })

  it('planted: peers that show each study its own contributions alone let it spend', async () => {
    const { seen } = PeerCounters.prototype
    vi.spyOn(PeerCounters.prototype, 'seen').mockImplementation(function (this: PeerCounters, study) {
      return seen.call(this, study, [])
    })
    await sawForgotten(100)
    expect(await nextContribution()).toBeNull()
    expect(left('contribution').length).toBeGreaterThan(0)
  })
})

describe('ledger.sqlite alone that was put back (R4)', () => {
  const isLedger = (file: string) => file === 'ledger.sqlite'

  it('its anchor tells at once; acknowledged, the site goes on and has charged all that it ever sent', async () => {
    const { truth } = await restored(1, 3, isLedger)
    expect(await birch().turn()).toMatchObject({ task: 'deal', error: restoredError })
    expect(birch().ledger.acknowledgeRestored(none)).toMatchObject({
      isVolatileLost: false,
      studies: [{ here: 1, anchored: truth, seen: null, after: truth }],
    })
    expect(spent()).toBe(truth)
    await federation.complete()
    expect(federation.outcome.outcome).toBe('completed')
    expect(federation.coordinator.opened.at(-1)?.contributors).toContain('birch')
    expect(spent()).toBeGreaterThanOrEqual(left('contribution').length)
    expect(birch().ledger.spent().studies[0]!.attempts[0]).toMatchObject({ charged: 1 })
  })

  it('with an anchor as old, as where an earlier version wrote none: the peers tell, once', async () => {
    const { truth } = await restored(1, 3, (file) => isLedger(file) || file === 'anchor.sqlite')
    expect(await nextContribution()).toMatchObject(restoredError)
    expect(birch().ledger.acknowledgeRestored(none)).toMatchObject({
      isVolatileLost: false,
      studies: [{ here: 1, anchored: null, seen: truth }],
    })
    expect(spent()).toBeGreaterThanOrEqual(truth)
    await federation.complete()
    expect(federation.coordinator.opened.at(-1)?.contributors).toContain('birch')
    expect(spent()).toBeGreaterThan(truth)
    expect(birch().ledger.restoration(none)).toBeNull()
  })
})

it('a copy of the data directory at work beside its original: each learns of the other from its own signature (R4)', async () => {
  await federation.reach('dealing', 1)
  const clone = birch().cloned()
  const codes = new Set<string>()
  for (let i = 0; i < 60 && !federation.isOver; i++) {
    for (const each of [birch(), clone]) codes.add((await each.turn()).error?.code ?? '')
    await federation.quiet()
    await federation.turns(['ash', 'cedar', 'date'])
    await federation.advance(5_000)
  }
  clone.close()
  expect(federation.outcome.outcome).toBe('completed')
  expect(codes).toContain('LEDGER_RESTORED')
})

describe('what a site takes for evidence (R4)', () => {
  const resigned = (boxes: readonly DealtBox[], dealers: readonly string[], seen: object): DealtBox[] =>
    boxes.map((each) => {
      const { signer, body } = each.deal
      if (!dealers.includes(signer)) return each
      const changed = { ...(decodeCanonical(body) as object), ...seen }
      const deal = signBody('deal', signer, changed as never, federation.identityOf(signer as SiteId))
      return { ...each, deal }
    })
  const onBirch = (change: (boxes: readonly DealtBox[]) => readonly DealtBox[]) => {
    federation.onBoxes = (to, boxes) => (to === 'birch' ? change(boxes) : boxes)
  }

  it('is its own signature alone: a lying peer spoils its own deal and stops nobody', async () => {
    await federation.reach('contributing', 2)
    const body = new Uint8Array(10)
    const seen = [{ site: 'birch', body, signature: new Uint8Array(64) }]
    onBirch((boxes) => resigned(boxes, ['cedar'], { seen }))
    expect(await birch().turn()).toEqual({ task: 'contribute', error: null })
    expect(() => birch().ledger.refuseRestored()).not.toThrow()
  })

  it('a coordinator that withholds deals, or strips them of what was seen, gets no contribution', async () => {
    await federation.reach('checking', 2)
    onBirch(() => [])
    const isDue = () => federation.round.phase === 'contributing'
    for (let i = 0; i < 40 && !isDue(); i++) {
      await federation.turns()
      if (!isDue()) await federation.advance(5_000)
    }
    const before = spent()
    const strip = { seen: [] }
    for (const change of [
      () => [],
      (boxes: readonly DealtBox[]) => boxes.filter(({ deal }) => ['ash', 'birch'].includes(deal.signer)),
      // It holds nobody's key, so what it changes is signed by nobody.
      (boxes: readonly DealtBox[]) =>
        resigned(boxes, ['ash', 'cedar', 'date'], strip).map((each) => ({
          ...each,
          deal: { ...each.deal, signature: new Uint8Array(64) },
        })),
    ]) {
      onBirch(change)
      expect(await birch().turn()).toMatchObject({ task: 'contribute', error: { code: 'ROUND_REFUSED' } })
      expect(spent()).toBe(before)
    }
    onBirch((boxes) => boxes)
    expect(await birch().turn()).toEqual({ task: 'contribute', error: null })
  })
})
