import { afterEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const spares = { marginals: 1, gradient: 2 }

describe('a site killed before it contributes', () => {
  it('withdraws, and the attempt is aborted where everybody must contribute', async () => {
    federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
    await federation.reach('contributing')
    federation.site('birch').restart()
    const aborted = federation.round.round
    await federation.turns(['birch'])
    expect(federation.departed.filter(({ kind }) => kind === 'withdrawal')).toMatchObject([
      { site: 'birch', round: aborted },
    ])
    expect(federation.round).toMatchObject({ step: 0, attempt: 1, phase: 'dealing' })
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [2, 1] })
    expect(federation.coordinator.opened[0]).toMatchObject({ step: 0, attempt: 1, counts: [1, 1, 1] })
    await checkInvariants(federation)
  })

  it('is gone without, where one may be away, and still answers for the others', async () => {
    federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
    await federation.reach('contributing')
    federation.site('birch').restart()
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(federation.coordinator.opened.map(({ counts }) => counts)).toEqual([
      [1, 0, 1, 1],
      [1, 1, 1, 1],
    ])
    const { round } = federation.coordinator.rounds.rounds(federation.study)[0] ?? {}
    const answered = federation.departed.filter((each) => each.kind === 'answer' && each.round === round)
    expect(answered.map(({ site }) => site)).toContain('birch')
    expect(federation.site('birch').charged().size).toBe(1)
    await checkInvariants(federation)
  })

  it('that never comes back stops an attempt at the deadline, and the study when attempts run out', async () => {
    federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares: { marginals: 0, gradient: 0 } })
    await federation.reach('contributing')
    await federation.turns(['ash', 'cedar'])
    await federation.advance(599_000)
    expect(federation.round.phase).toBe('contributing')
    await federation.advance(1_000)
    expect(federation.outcome).toMatchObject({ outcome: 'stopped', attempts: [1, 0] })
    expect(federation.outcome.reason).toContain('ATTEMPTS_EXHAUSTED')
    expect(await federation.site('birch').next()).toMatchObject({ kind: 'finished', outcome: 'stopped' })
    await checkInvariants(federation)
  })
})

describe('a site killed after it contributed', () => {
  it.each([
    ['once the sealed bytes are stored', 'after outbox.store', null],
    ['once they were sent', 'after client.contribute', null],
    ['when they were lost on the way', null, 'request lost'],
  ] as const)('%s, sends the same bytes again, and the run completes (R3)', async (_, place, fault) => {
    federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
    await federation.reach('contributing')
    const birch = federation.site('birch')
    birch.gate.killWhere((crossing) => crossing === place)
    federation.faults.set(birch.name, fault)
    await federation.turns(['birch'])
    if (fault !== null) birch.restart()
    expect(birch.crashes).toBe(1)
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    const [sent] = federation.departed.filter(({ site, kind }) => site === 'birch' && kind === 'contribution')
    // `departed` refuses a second message of other bytes.
    expect(sent?.times).toBe(fault === null ? 1 : 2)
    expect(birch.charged().size).toBe(2)
    await checkInvariants(federation)
  })
})

it.each([
  ['outbox.storeDeal', [1, 1]],
  ['outbox.begin', [2, 1]],
  ['ledger.charge', [2, 1]],
  ['outbox.store', [1, 1]],
  ['counters.observe', [1, 1]],
  ['answers.answer', [1, 1]],
])(
  'a site killed right after %s is counted once, and pays for one attempt more at most (R6)',
  async (call, attempts) => {
    federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
    const birch = federation.site('birch')
    birch.gate.killWhere((crossing) => crossing === `after ${call}`)
    await federation.complete()
    expect(birch.crashes).toBe(1)
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts })
    expect(birch.charged().size).toBe(call === 'ledger.charge' ? 3 : 2)
    await checkInvariants(federation)
  },
)
