import { signBody } from '@tributary/shared/wire/body'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { rosterHash } from '@tributary/shared/wire/roster'
import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const withdraw = (site: string, step: number, attempt: number) => {
  const { study, roster } = federation
  const { name, client } = federation.site(site)
  const fields = { study, step, attempt, round: roundIdOf(study, step, attempt), roster: rosterHash(roster) }
  return client.withdraw(signBody('withdrawal', name, fields, federation.identityOf(name)))
}

it('a round dealt ahead that is aborted while the current one closes: the current one counts once', async () => {
  for (let delay = 0; delay < 5; delay++) {
    federation?.close()
    federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 3, spares: { marginals: 1, gradient: 4 } })
    await federation.reach('answering')
    await federation.turns(['ash', 'birch'])
    const { rounds } = federation.coordinator
    const last = federation.site('cedar').turn()
    // From the moment the sum is applied until the next step stands there are awaits: the withdrawal comes into each of them.
    while (rounds.rounds(federation.study)[0]?.phase !== 'opened') await new Promise(setImmediate)
    for (let i = 0; i < delay; i++) await new Promise(setImmediate)
    await withdraw('ash', 1, 0).catch(() => undefined)
    await last
    await federation.quiet()
    expect(federation.outcome.attempts[0]).toBe(1)
    expect(federation.outcome.step).toBeLessThan(2)
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', step: 4, attempts: [1, 3] })
    await checkInvariants(federation)
  }
})

it('a deadline that ends the study while the next round is dealt ahead ends nothing else', async () => {
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares: { marginals: 0, gradient: 0 } })
  await federation.reach('answering')
  // Both rounds are past their deadlines: the first one ends the run.
  await federation.advance(61_000)
  expect(federation.outcome).toMatchObject({ outcome: 'stopped', attempts: [1, 0] })
})
