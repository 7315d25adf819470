import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../harness/in-process-federation.ts'

/* Two agents of one site over copies of one data directory, at work in the same rounds: what SitePresence tells, and their peers stop. */
let federation: InProcessFederation
afterEach(() => federation.close())

it.each([
  ['the copy first', [1, 0]],
  ['the original first', [0, 1]],
  ['by turns', [0, 1, 1, 0]],
] as const)(
  'a clone that deals and contributes beside its original, %s: nobody is counted twice, and it ends (R4)',
  async (_, order) => {
    federation = await InProcessFederation.open({
      sites: 4,
      least: 3,
      steps: 4,
      spares: { marginals: 2, gradient: 12 },
    })
    await federation.reach('dealing', 1)
    const birch = federation.site('birch')
    const pair = [birch, birch.cloned()] as const
    const before = birch.charged()
    const stopped = new Set<number>()
    for (let turn = 0; turn < 300 && !federation.isOver; turn++) {
      const places = [order[turn % order.length] ?? 0, order[(turn + 1) % order.length] ?? 0]
      const turns = await Promise.all(places.map(async (place) => ({ place, ...(await pair[place]!.turn()) })))
      for (const { place, error } of turns) if (error?.code === 'LEDGER_RESTORED') stopped.add(place)
      await federation.quiet()
      await federation.turns(['ash', 'cedar', 'date'])
      await federation.advance(5_000)
    }
    const { coordinator, departed, breaches } = federation
    expect(federation.outcome).toMatchObject({ outcome: 'completed', step: federation.steps })
    // Both were at work: each dealt, and for the same rounds; the second deal of a round is refused (R3). Whichever of them meets a
    // contribution that only the other made, under the signature of both, stops for good (R4).
    expect(pair.some(({ gate }) => gate.trace.includes('client.contribute'))).toBe(true)
    expect(stopped.size).toBeGreaterThan(0)
    expect(breaches).toContain('R3: birch sent two different deals for one round')
    for (const breach of breaches) expect(breach).toMatch(/^R3: birch sent two different /)
    const names = federation.sites.map(({ name }) => name)
    let counted = 0
    for (const { contributors, counts, others } of coordinator.opened) {
      expect(others).toBe(false)
      expect(counts).toEqual(names.map((name) => (contributors.includes(name) ? 1 : 0)))
      if (contributors.includes(birch.name)) counted++
    }
    expect(counted).toBeGreaterThan(1)
    expect(await federation.expectedModel()).toBe(coordinator.run(federation.study).model)
    // Each paid, from its own copy of the ledger, for what it sent.
    const charged = new Set(pair.flatMap((each) => [...each.charged()]))
    const sent = departed.filter(({ site, kind }) => site === birch.name && kind === 'contribution')
    for (const { round } of sent) expect(charged).toContain(round)
    expect(charged.size).toBeGreaterThan(before.size)
    pair[1].close()
  },
)
