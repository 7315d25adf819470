import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forged } from '../../harness/forged-orders.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const answers = () => federation.departed.filter(({ site, kind }) => site === 'ash' && kind === 'answer')
const withoutAsh = () =>
  forged(federation, 'ash', 'announcement', ({ contributors }) => ({
    contributors: contributors.filter(({ site }) => site !== 'ash'),
  }))

describe('own contribution missing from the announced set', () => {
  it.each([false, true])(
    'is refused once the coordinator has taken it, and burns nothing; restarted between: %s',
    async (isRestarted) => {
      await federation.reach('answering')
      const announcement = await withoutAsh()
      if (isRestarted) ash().restart()
      await expect(ash().worker.perform({ kind: 'answer', announcement })).rejects.toMatchObject({
        code: 'ROUND_REFUSED',
        place: { field: 'contributors' },
        message: expect.stringContaining('left out'),
      })
      expect(answers()).toEqual([])
      expect(await ash().turn()).toEqual({ task: 'answer', error: null })
      expect(answers()).toHaveLength(1)
    },
  )

  it('is answered for where the coordinator never said that it took it: it may not have', async () => {
    await federation.reach('contributing')
    federation.faults.set(ash().name, 'response lost')
    await ash().turn()
    await federation.reach('answering')
    // The honest desk wants another answer; this one has left the site.
    await expect(ash().worker.perform({ kind: 'answer', announcement: await withoutAsh() })).rejects.toMatchObject({
      message: 'the answer is for another contributor set',
    })
    expect(answers()).toHaveLength(1)
  })

  it('a kill right before it is noted as taken loses no round', async () => {
    await federation.reach('contributing')
    ash().gate.killWhere((crossing) => crossing === 'before outbox.acknowledge')
    await ash().turn()
    expect(ash().crashes).toBe(1)
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(federation.coordinator.opened[0]?.counts).toEqual([1, 1, 1, 1])
    await checkInvariants(federation)
  })
})
