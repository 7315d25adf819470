import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

it('opens every round of a run with every site counted exactly once', async () => {
  federation = await InProcessFederation.open({
    sites: 4,
    least: 4,
    steps: 3,
    spares: { marginals: 1, gradient: 2 },
  })
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', step: 4, attempts: [1, 3] })
  expect(
    federation.coordinator.opened.map(({ step, attempt, counts, others }) => [step, attempt, counts, others]),
  ).toEqual([0, 1, 2, 3].map((step) => [step, 0, [1, 1, 1, 1], false]))
  for (const site of federation.sites) expect(site.charged().size).toBe(4)
  await checkInvariants(federation)
})

it('needs no site to wait for a deadline, and no second of time, when nobody is late', async () => {
  federation = await InProcessFederation.open({
    sites: 3,
    least: 3,
    steps: 2,
    spares: { marginals: 0, gradient: 0 },
  })
  for (let i = 0; i < 30 && !federation.isOver; i++) await federation.turns()
  expect(federation.outcome.outcome).toBe('completed')
})

it('deals for the next step while the answers to this one come in', async () => {
  federation = await InProcessFederation.open({
    sites: 3,
    least: 3,
    steps: 2,
    spares: { marginals: 0, gradient: 0 },
  })
  await federation.reach('answering')
  await federation.turns(['ash'])
  expect(await federation.site('ash').next()).toMatchObject({ kind: 'deal', step: 1, attempt: 0 })
})

it.each(['sent twice', 'response lost', 'request lost'] as const)(
  'counts every message once although each is %s',
  async (fault) => {
    federation = await InProcessFederation.open({
      sites: 3,
      least: 3,
      steps: 1,
      spares: { marginals: 0, gradient: 0 },
    })
    const faulted = new Set<string>()
    for (let i = 0; i < 40 && !federation.isOver; i++) {
      for (const { name } of federation.sites) {
        const task = await federation.site(name).next()
        const key = `${name} ${task.kind} ${federation.round.step}`
        if (!faulted.has(key)) federation.faults.set(name, fault)
        faulted.add(key)
        await federation.turns([name])
        federation.faults.delete(name)
      }
    }
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    if (fault === 'request lost') {
      expect(federation.departed.every(({ times }) => times === 2)).toBe(true)
      expect(federation.departed).toHaveLength(4 * 3 * 2)
    }
    await checkInvariants(federation)
  },
)
