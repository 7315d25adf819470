import { createHash } from 'node:crypto'
import type { Digest, RoundId } from '../ids.ts'
import { domainPrefix, encodeCanonical } from '../wire/canonical.ts'

/**
 * What a sealed vector is sealed for. Everything in it enters the public polynomials, so contributions made for another round,
 * roster, plan or model never add up to something that opens: a coordinator cannot send each site a model of its own.
 */
export interface SealContext {
  readonly round: RoundId
  readonly roster: Digest
  readonly plan: Digest
  readonly model: Digest
}

/**
 * The 64-byte seeds of the public polynomials a, by block: SHA-512 over prefix "he" and [round, roster, plan, model, block].
 * What all blocks have in common is hashed once.
 */
export const blockSeeds = ({ round, roster, plan, model }: SealContext): ((block: number) => Uint8Array) => {
  // Of [..., 0] all but the last byte stands before any block's own encoding.
  const common = encodeCanonical([round, roster, plan, model, 0]).subarray(0, -1)
  const started = createHash('sha512').update(domainPrefix('he')).update(common)
  return (block) => started.copy().update(encodeCanonical(block)).digest()
}

/** The seed of one block. */
export const blockSeed = (context: SealContext, block: number): Uint8Array => blockSeeds(context)(block)
