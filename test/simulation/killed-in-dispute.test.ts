import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { newBoxKeys } from '../../shared/he/box.ts'
import { SealingWork } from '../../site-agent/update/sealing-work.ts'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { checkInvariants } from '../harness/round-invariants.ts'

/*
 * birch's deal for the first attempt has a box for cedar under a key that is not cedar's, so cedar complains, birch opens its deal and cedar shows
 * what it derives (R24). Whoever is killed meanwhile, the study goes on and no honest site is ever *proven* wrong.
 */
let federation: InProcessFederation
let badRound: string | null = null
beforeEach(() => {
  const { deal } = SealingWork.prototype
  vi.spyOn(SealingWork.prototype, 'deal').mockImplementation(function (this: SealingWork, order) {
    badRound ??= order.round
    if (order.context.from !== 'birch' || order.round !== badRound) return deal.call(this, order)
    const strangers = order.holders.map((holder) =>
      holder.site === 'cedar' ? { ...holder, key: newBoxKeys().publicKey } : holder,
    )
    return deal.call(this, { ...order, holders: strangers })
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  federation.close()
})

const open = () => {
  badRound = null
  return InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
}

/** To the end of the study and of its dispute: what was found, or `none` where cedar did not come to check. */
const settled = async (): Promise<string> => {
  const { study } = federation
  await federation.complete()
  for (let i = 0; i < 100 && federation.coordinator.disputes.pending().length > 0; i++) {
    await federation.turns()
    await federation.advance(10_000)
  }
  await checkInvariants(federation)
  expect(federation.outcome.outcome).toBe('completed')
  const disputes = federation.coordinator.disputes.disputes(study)
  if (disputes.length === 0) return 'none'
  expect(disputes.map(({ dealer, phase }) => `${dealer} ${phase}`)).toEqual(['birch closed'])
  const [first] = federation.coordinator.opened
  if (first?.step === 0 && first.attempt === 0) expect(first.contributors).not.toContain('birch')
  const verdict = disputes[0]!.verdict!
  return [verdict.dealer, ...verdict.holders.map(({ site, finding }) => `${site} ${finding}`)].join(', ')
}

const whole = 'sound, cedar contradicts'

it('R24 a coordinator killed at any one crossing: the dispute is decided as if it had not been', async () => {
  federation = await open()
  const before = federation.coordinator.gate.crossed
  expect(await settled()).toBe(whole)
  const crossings = federation.coordinator.gate.crossed - before
  federation.close()
  for (let crossing = 0; crossing < crossings; crossing++) {
    federation = await open()
    federation.coordinator.gate.killAt(crossing)
    expect(await settled(), `crossing ${crossing}`).toBe(whole)
    if (crossing + 1 < crossings) federation.close()
  }
})

it.each([
  ['birch', 'the dealer', ['none', 'unopened', whole]],
  ['cedar', 'the holder', ['none', whole]],
])('R24 %s, %s, killed at any one crossing: the dispute ends, and proves nobody wrong', async (name, _, possible) => {
  federation = await open()
  const { gate } = federation.site(name)
  expect(await settled()).toBe(whole)
  federation.close()
  const found = new Set<string>()
  for (let crossing = 0; crossing < gate.crossed; crossing++) {
    federation = await open()
    federation.site(name).gate.killAt(crossing)
    const verdict = await settled().catch((thrown: unknown) => {
      throw new Error(`crossing ${crossing}, ${gate.trace[crossing]}`, { cause: thrown })
    })
    expect(possible, `crossing ${crossing}`).toContain(verdict)
    found.add(verdict)
    if (crossing + 1 < gate.crossed) federation.close()
  }
  expect(found).toEqual(new Set(possible))
})
