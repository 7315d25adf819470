import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Ring } from '../../shared/he/ring.ts'
import { SealedSum } from '../../shared/he/sealed-sum.ts'
import { createInsecureRing } from '../harness/insecure-ring.ts'
import { playLosses } from './light-federation.ts'
import { calmFates, type KillMoment, lossCase, type LossCase, type SiteFates } from './loss-case.ts'
import { LossTally } from './loss-tally.ts'

const share = Number(process.env.LOSSES_SHARE ?? 1)
const seed = Number(process.env.LOSSES_SEED ?? randomInt(2 ** 31))

/* Any site lost at any step, in memory, on the small ring: the product's state machine, keys, boxes, checks, sums. */
let ring: Ring
afterEach(() => vi.restoreAllMocks())
beforeAll(async () => {
  ring = await createInsecureRing()
})

describe('losses', () => {
  it.each([
    [3, 1_500],
    [5, 800],
    [10, 300],
  ])(
    `of %i sites at any step, %i cases: opened exactly or aborted cleanly, a retry with fresh keys (R5; LOSSES_SEED=${seed})`,
    async (sites, cases) => {
      const numRuns = Math.ceil(cases * share)
      const tally = new LossTally()
      await fc.assert(
        fc.asyncProperty(lossCase(sites, { colluders: sites === 10 ? 2 : 1 }), async (each) =>
          tally.add(await playLosses(ring, each)),
        ),
        { seed, numRuns, endOnFailure: process.env.LOSSES_SHRINK === undefined },
      )
      process.stdout.write(`${JSON.stringify({ sites, seed, tally })}\n`)
      // Both ends, and every way to them, or the cases prove nothing.
      for (const often of [tally.opened, tally.gaveUp]) expect(often).toBeGreaterThan(tally.cases / 10)
      for (const phase of ['dealing', 'checking', 'sifting', 'contributing', 'answering'])
        if (share === 1) expect(tally.abortedIn[phase] ?? 0, phase).toBeGreaterThan(0)
      for (const often of [tally.disputedDeals, tally.withdrawals, tally.coordinatorKills])
        expect(often).toBeGreaterThan(tally.cases / 100)
      // Of three none may be missing: two would show one another.
      if (sites > 3) expect(tally.openedWithoutSome).toBeGreaterThan(tally.cases / 100)
      else expect(tally.openedWithoutSome).toBe(0)
    },
  )

  /** Three sites to whom nothing happens. */
  const calm: LossCase = {
    sites: 3,
    colluders: 0,
    holders: 3,
    least: 3,
    dimension: 700,
    attempts: [[calmFates, calmFates, calmFates]],
    order: [2, 0, 1],
    isModelLate: true,
    kills: new Map(),
  }

  it('of nobody, the coordinator killed at every stored state, before and after its effects: one sum, exact', async () => {
    const whole = await playLosses(ring, calm)
    expect(whole).toMatchObject({ opened: true, attempts: 1, without: 0, kills: 0 })
    expect(whole.effects).toEqual(['sift', 'broadcast', 'announce', 'open', 'closed'])
    const moments: KillMoment[] = ['before the state is stored', 'before its effects', 'after its effects']
    let killed = 0
    // 3 dealt, 3 checked, sifted, model, 3 contributed, announced, 3 answered, opened.
    for (let state = 0; state < 16; state++)
      for (const moment of moments) {
        const outcome = await playLosses(ring, { ...calm, kills: new Map([[state, moment]]) })
        expect(outcome, `${state} ${moment}`).toMatchObject({ opened: true, attempts: 1, without: 0 })
        killed += outcome.kills
      }
    expect(killed).toBe(48)
  })

  it('are found out where what a lost site had sent of its vector stays in the sum', async () => {
    const lost: SiteFates = { ...calmFates, contribute: { fate: 'lost', parts: 1 } }
    const four: LossCase = {
      ...calm,
      sites: 4,
      holders: 4,
      dimension: 4_700,
      attempts: [[calmFates, lost, calmFates, calmFates]],
      order: [3, 0, 1, 2],
    }
    expect(await playLosses(ring, four)).toMatchObject({ opened: true, without: 1 })
    vi.spyOn(SealedSum.prototype, 'takeAway').mockReturnValue(undefined)
    await expect(playLosses(ring, four)).rejects.toThrow('does not open')
  })
})
