import type { MainModule, SecLevelType } from 'node-seal/allows'

declare const checked: unique symbol

/** Opaque: a shipped program can only name the secure set of ring-parameters.ts. */
export interface RingParameters {
  /** N: coefficients of one polynomial, a power of two. */
  readonly degree: number
  /** q: one prime, 1 modulo 2 N and between 2^33 and 2^59. */
  readonly modulus: bigint
  /** What SEAL must certify the pair (N, q) for; it refuses to make a context otherwise. */
  readonly securityLevel: (seal: MainModule) => SecLevelType
  readonly [checked]: true
}

/**
 * Brands any pair (N, q). Import rules allow only ring-parameters.ts and test/ to call it: nothing here says that the pair is
 * secure.
 */
export const uncheckedRingParameters = (
  degree: number,
  modulus: bigint,
  securityLevel: (seal: MainModule) => SecLevelType,
): RingParameters => Object.freeze({ degree, modulus, securityLevel }) as RingParameters
