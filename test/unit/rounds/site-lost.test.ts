import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

it('a hospital that is gone for good costs one deadline, not one a round', async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 3, spares: { marginals: 1, gradient: 2 } })
  const here = ['ash', 'birch', 'cedar']
  await federation.turns(here)
  expect(federation.round.phase).toBe('dealing')
  await federation.advance(60_000)
  const began = federation.clock.now()
  for (let turn = 0; turn < 40 && federation.coordinator.run(federation.study).state.outcome === 'running'; turn++)
    await federation.turns(here)
  expect(federation.coordinator.run(federation.study).state.outcome).toBe('completed')
  expect(federation.clock.now() - began).toBe(0)
  expect(federation.coordinator.opened.map(({ counts }) => counts)).toEqual(Array(4).fill([1, 1, 1, 0]))
  await checkInvariants(federation)
})

it('is waited for again once it asks for work', async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 3, spares: { marginals: 1, gradient: 2 } })
  const here = ['ash', 'birch', 'cedar']
  await federation.turns(here)
  await federation.advance(60_000)
  while (federation.round.step < 1) await federation.turns(here)
  await federation.turns(['date'])
  await federation.complete()
  expect(federation.coordinator.opened.at(-1)?.counts).toEqual([1, 1, 1, 1])
  await checkInvariants(federation)
})
