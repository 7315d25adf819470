import { createRing } from '../../shared/he/create-ring.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { uncheckedRingParameters } from '../../shared/he/unchecked-ring-parameters.ts'

/** N = 256 with the product's modulus: sixteen times as fast and of no security at all. Lives under test/ only. */
export const insecureRingParameters = uncheckedRingParameters(
  256,
  288230376151130113n,
  (seal) => seal.SecLevelType.none,
)

export const createInsecureRing = (): Promise<Ring> => createRing(insecureRingParameters)
