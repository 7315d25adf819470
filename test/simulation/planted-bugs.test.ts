import { afterEach, expect, it, vi } from 'vitest'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { Ledger } from '../../site-agent/ledger/ledger.ts'
import { Outbox } from '../../site-agent/update/outbox.ts'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { checkInvariants } from '../harness/round-invariants.ts'

/* Mistakes that the kills are there to find, made on purpose: each is noticed, and without it the same kill is survived. */
let federation: InProcessFederation
afterEach(() => vi.restoreAllMocks())

/** What the invariants find once the run is over, however it ended; '' when they hold. */
const found = async (fate: () => unknown): Promise<string> => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
  try {
    await fate()
    await federation.complete().catch(() => undefined)
    await checkInvariants(federation)
    return ''
  } catch (thrown) {
    return String(thrown)
  } finally {
    federation.close()
  }
}

it('R6: a charge that is written only after the bytes have left', async () => {
  const kill = () => federation.site('birch').gate.killWhere((crossing) => crossing === 'after client.contribute')
  expect(await found(kill)).toBe('')
  const { charge } = Ledger.prototype
  let owed = (): void => undefined
  vi.spyOn(Ledger.prototype, 'charge').mockImplementation(function (this: Ledger, ...values) {
    // Paid when the next is due: late, but paid, unless the process dies.
    owed()
    owed = () => charge.apply(this, values)
  })
  expect(await found(kill)).toMatch(/R6: .* without a charge/)
})

it('R3: a deal made anew by a site that died while it sent the first', async () => {
  const lose = async () => {
    federation.faults.set(federation.site('birch').name, 'request lost')
    await federation.turns(['birch'])
    federation.site('birch').restart()
  }
  expect(await found(lose)).toBe('')
  vi.spyOn(Outbox.prototype, 'dealt').mockReturnValue(undefined)
  vi.spyOn(Outbox.prototype, 'storeDeal').mockResolvedValue(undefined)
  expect(await found(lose)).toMatch(/R3: birch sent two different deals/)
})

it('R4: a contributor set that is announced before it is durable', async () => {
  const kill = async () => {
    await federation.reach('answering')
    await federation.turns(['ash'])
    await federation.restartCoordinator()
  }
  expect(await found(kill)).toBe('')
  const { saveRound } = RoundStore.prototype
  vi.spyOn(RoundStore.prototype, 'saveRound').mockImplementation(function (this: RoundStore, study, state) {
    if (state.phase !== 'announcing' && state.phase !== 'answering') saveRound.call(this, study, state)
  })
  expect(await found(kill)).toMatch(/R4: 2 sets announced/)
})
