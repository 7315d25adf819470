import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { checkInvariants } from '../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const spares = { marginals: 1, gradient: 2 }
const open = () => InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })

it('a site killed at any one crossing: nobody is counted twice, at most one attempt is paid for in vain', async () => {
  federation = await open()
  const whole = federation.site('birch').gate
  await federation.complete()
  federation.close()
  expect(whole.crossed).toBeGreaterThan(40)
  const outcomes = new Set<string>()
  for (let crossing = 0; crossing < whole.crossed; crossing++) {
    federation = await open()
    const birch = federation.site('birch')
    birch.gate.killAt(crossing)
    await federation.complete()
    expect(birch.crashes, `crossing ${crossing}`).toBe(1)
    expect(federation.outcome.outcome).toBe('completed')
    outcomes.add(federation.outcome.attempts.join())
    await checkInvariants(federation)
    if (crossing + 1 < whole.crossed) federation.close()
  }
  expect(outcomes).toEqual(new Set(['1,1', '2,1', '1,2']))
})

it('a coordinator killed at any one crossing: no step lost or applied twice, nobody charged more', async () => {
  federation = await open()
  const before = federation.coordinator.gate.crossed
  await federation.complete()
  const { model } = federation.coordinator.run(federation.study)
  const crossings = federation.coordinator.gate.crossed - before
  federation.close()
  expect(crossings).toBeGreaterThan(40)
  const phases = new Set<string>()
  for (let crossing = 0; crossing < crossings; crossing++) {
    federation = await open()
    const { coordinator, study } = federation
    coordinator.gate.killAt(crossing)
    const restart = coordinator.restart.bind(coordinator)
    coordinator.restart = async () => {
      for (const round of coordinator.rounds.rounds(study)) phases.add(`${round.phase} ${round.step}`)
      await restart()
    }
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(coordinator.run(study).model).toBe(model)
    for (const site of federation.sites) expect(site.charged().size).toBe(2)
    await checkInvariants(federation)
    if (crossing + 1 < crossings) federation.close()
  }
  const everyPhase = ['dealing', 'checking', 'sifting', 'contributing', 'announcing', 'answering', 'opening', 'opened']
  expect([...phases]).toEqual(
    expect.arrayContaining([0, 1].flatMap((step) => everyPhase.map((phase) => `${phase} ${step}`))),
  )
  // `ready`, where a step dealt ahead waits for its model, is passed at once here; test/losses kills in it.
})
