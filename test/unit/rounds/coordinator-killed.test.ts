import { afterEach, describe, expect, it } from 'vitest'
import { messageBytes } from '@tributary/shared/wire/body'
import type { Task } from '@tributary/shared/wire/federation-api'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const spares = { marginals: 1, gradient: 2 }
const open = () => InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })

const signedIn = (task: Task) => {
  if (task.kind === 'contribute') return messageBytes(task.broadcast)
  if (task.kind === 'answer') return messageBytes(task.announcement)
  throw new Error(`nothing is signed in ${task.kind}`)
}

describe('a coordinator killed', () => {
  it.each(['dealing', 'checking', 'contributing', 'answering'])(
    'while %s goes on in the same attempt',
    async (phase) => {
      federation = await open()
      await federation.reach(phase, 1)
      await federation.turns(['ash'])
      const { round } = federation.round
      await federation.restartCoordinator()
      expect(federation.round).toMatchObject({ round, phase })
      await federation.complete()
      expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
      await checkInvariants(federation)
    },
  )

  it.each(['contributing', 'answering'])('while %s repeats its order byte for byte (R4)', async (phase) => {
    federation = await open()
    await federation.reach(phase)
    const before = signedIn(await federation.site('ash').next())
    await federation.restartCoordinator()
    expect(signedIn(await federation.site('ash').next())).toEqual(before)
  })

  it('keeps the deals that sites made ahead for the next step', async () => {
    federation = await open()
    await federation.reach('answering')
    await federation.turns(['ash', 'ash'])
    const dealt = () => federation.departed.filter(({ site, kind }) => site === 'ash' && kind === 'deal')
    expect(dealt()).toHaveLength(2)
    await federation.restartCoordinator()
    await federation.complete()
    expect(dealt()).toMatchObject([{ times: 1 }, { times: 1 }])
    expect(federation.outcome.attempts).toEqual([1, 1])
  })

  it('keeps a step dealt ahead that was checked and sifted before its model was known', async () => {
    federation = await open()
    await federation.reach('answering')
    // Nobody answers yet: the step ahead is all there is to do.
    const { coordinator } = federation
    const ahead = () => coordinator.rounds.round(federation.study, 1, 0)
    for (let i = 0; i < 3; i++) {
      for (const { name } of federation.sites) {
        const { worker } = federation.site(name)
        for (const state of coordinator.runs.all()[0]?.run.rounds.slice(1) ?? []) {
          const { study } = federation
          const { step, attempt, phase } = state
          const keys = coordinator.studies.boxKeys(study, 0).map(({ message }) => message)
          if (phase === 'dealing') await worker.perform({ kind: 'deal', study, step, attempt, boxKeys: keys })
          else if (phase === 'checking') await worker.perform({ kind: 'check', study, step, attempt })
        }
      }
    }
    expect(ahead()).toMatchObject({ phase: 'ready', model: null, broadcast: false })
    await federation.restartCoordinator()
    await federation.complete()
    const own = federation.departed.filter(({ round }) => round === ahead()?.round)
    expect(own.filter(({ kind }) => kind === 'deal' || kind === 'check').map(({ times }) => times)).toEqual(
      Array(6).fill(1),
    )
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    await checkInvariants(federation)
  })

  it('is a pause: a deadline that passed while it was away begins anew, and nobody pays twice', async () => {
    federation = await open()
    await federation.reach('contributing')
    federation.clock.advance(600_000)
    await federation.restartCoordinator()
    await federation.tick()
    expect(federation.round).toMatchObject({ attempt: 0, phase: 'contributing' })
    await federation.complete()
    await checkInvariants(federation)
  })

  it.each(['sifting', 'announcing', 'opening', 'opened'])(
    'in %s, seen by nobody outside, applies the step once',
    async (phase) => {
      federation = await open()
      const { coordinator } = federation
      const rounds = () => coordinator.rounds.rounds(federation.study)
      coordinator.gate.killWhere((crossing) => crossing === 'after rounds.transaction' && rounds()[0]?.phase === phase)
      let restarts = 0
      const restart = coordinator.restart.bind(coordinator)
      coordinator.restart = async () => {
        restarts++
        expect(rounds()[0]?.phase).toBe(phase)
        expect(coordinator.run(federation.study).state.step).toBe(0)
        await restart()
      }
      await federation.complete()
      expect(restarts).toBe(1)
      expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
      for (const site of federation.sites) expect(site.charged().size).toBe(2)
      await checkInvariants(federation)
    },
  )

  it('and never killed end with the same bytes of the model', async () => {
    federation = await open()
    await federation.complete()
    const { model } = federation.coordinator.run(federation.study)
    federation.close()
    federation = await open()
    for (let i = 0; i < 100 && !federation.isOver; i++) {
      for (const { name } of federation.sites) {
        await federation.turns([name])
        await federation.restartCoordinator()
      }
    }
    expect(federation.coordinator.run(federation.study)).toMatchObject({ model, state: { outcome: 'completed' } })
  })
})
