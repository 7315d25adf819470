import type { FrameRing } from './frame.ts'
import { modulusOf } from './residues.ts'
import { type RingParameters, uncheckedRingParameters } from './unchecked-ring-parameters.ts'

export type { RingParameters } from './unchecked-ring-parameters.ts'

/**
 * R_q = Z_q[X] / (X^4096 + 1) with one 58-bit prime: SEAL certifies it at 256 bits of classical security for a ternary secret
 * (homomorphicencryption.org standard, 2018); our keys are uniform, which is no easier.
 */
export const secureRing: RingParameters = uncheckedRingParameters(
  4096,
  288230376151130113n,
  (seal) => seal.SecLevelType.tc256,
)

/** What of the secure ring frames, shares and sums of residues depend on: no SEAL, so a main thread may use it. */
export const ringFacts: FrameRing = Object.freeze({ degree: secureRing.degree, q: modulusOf(secureRing.modulus) })
