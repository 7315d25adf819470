import { CodedError } from '../errors.ts'
import type { RandomSource } from '../ports.ts'
import { fillUniform } from './residues.ts'
import type { FrameRing } from './frame.ts'

/**
 * A site's key for one attempt: uniform in R_q, dealt in shares and used for one vector. Never stored; `erase` when the attempt
 * is over. Overwriting is best effort: the runtime may have moved the memory before.
 */
export class SiteKey {
  readonly #residues: BigUint64Array
  #sealed = false
  #erased = false

  constructor(residues: BigUint64Array) {
    this.#residues = residues
  }

  /** The key for dealing shares. */
  forDealing(): BigUint64Array {
    this.#refuseErased()
    return this.#residues
  }

  /** The key for sealing, once: two vectors under one key open together (R3). Throws `ROUND_REFUSED` the second time. */
  forSealing(): BigUint64Array {
    this.#refuseErased()
    if (this.#sealed) throw new CodedError('ROUND_REFUSED', 'this key has sealed a vector already')
    this.#sealed = true
    return this.#residues
  }

  erase(): void {
    this.#erased = true
    this.#residues.fill(0n)
  }

  #refuseErased(): void {
    if (this.#erased) throw new CodedError('ROUND_REFUSED', 'this key was erased')
  }
}

/** A fresh key; `random` is an operating-system stream keyed for this attempt (R16). */
export const newSiteKey = (ring: FrameRing, random: RandomSource): SiteKey => {
  const residues = new BigUint64Array(ring.degree)
  fillUniform(ring.q, residues, random)
  return new SiteKey(residues)
}
