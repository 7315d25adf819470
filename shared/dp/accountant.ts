import { CodedError } from '../errors.ts'
import type { Delta } from '../units.ts'
import type { Phase } from './phase.ts'
import { epsilonPld, gridTolerance } from './pld.ts'
import { epsilonRdp } from './rdp.ts'

export type { Phase } from './phase.ts'
export { epsilonPld } from './pld.ts'
export { epsilonRdp } from './rdp.ts'

/** What a plan costs at one delta. All three are upper bounds for add or remove of one unit. */
export interface Price {
  /** The least of the two: what the ledger charges. */
  readonly epsilon: number
  readonly pld: number
  readonly rdp: { readonly epsilon: number; readonly order: number }
}

/**
 * The price of a frozen plan. The two accountants share no code but the merging of phases and, for several records a unit, the
 * mixture's density, so each checks the other: PLD is tight and must not lie above RDP by more than its grid's tolerance.
 * Throws `INTERNAL` if it does, `UNIT_OUT_OF_RANGE` for a bad phase.
 */
export const priceOf = (phases: readonly Phase[], delta: Delta): Price => {
  const rdp = epsilonRdp(phases, delta)
  const pld = epsilonPld(phases, delta)
  if (Number.isFinite(rdp.epsilon) && !(pld <= rdp.epsilon + gridTolerance(rdp.epsilon)))
    throw new CodedError('INTERNAL', `the accountants disagree: PLD ${pld} lies above RDP ${rdp.epsilon}`)
  return { epsilon: Math.min(pld, rdp.epsilon), pld, rdp }
}
