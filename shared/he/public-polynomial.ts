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

/** The 64-byte seed of block `block`'s public polynomial a: SHA-512 over prefix "he" and [round, roster, plan, model, block]. */
export const blockSeed = ({ round, roster, plan, model }: SealContext, block: number): Uint8Array =>
  createHash('sha512')
    .update(domainPrefix('he'))
    .update(encodeCanonical([round, roster, plan, model, block]))
    .digest()
