import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { CodedError } from '@tributary/shared/errors'
import { heldOutShare } from '@tributary/shared/evaluation/held-out-share'
import { placeOnce, sweepCopies } from './placed-once.ts'
import { canonicalPatientKey } from './patient-key.ts'

/** Bits of the hash that are compared with the share: the share holds to 2^-48. */
const range = 2 ** 48

/**
 * Which patients of this hospital no study with an evaluation trains on (R22): those whose HMAC-SHA256 under the site's own
 * secret key falls below the share. It depends on the patient's key and on that secret alone: not on the study, the source, the
 * other patients or their number. So a patient added or removed changes the trained-on or the held-out table, never both, and no
 * patient ever changes sides. Keys that differ only in spaces around them, leading zeros, a `.0` or their Unicode form are one.
 * Prints nothing of its secret. A microsecond or two a patient.
 */
export class Holdout {
  readonly #key: KeyObject

  /** `secret`: 32 bytes. Throws `STATE_CORRUPT` for another length. */
  constructor(secret: Uint8Array) {
    if (secret.length !== 32) throw new CodedError('STATE_CORRUPT', 'a holdout key has 32 bytes')
    this.#key = createSecretKey(secret)
  }

  isHeldOut(patientKey: string): boolean {
    const hash = createHmac('sha256', this.#key).update('tributary holdout 1\n').update(canonicalPatientKey(patientKey))
    return hash.digest().readUIntBE(0, 6) < heldOutShare * range
  }

  toJSON(): unknown {
    return { kind: 'Holdout' }
  }

  [inspect.custom](): string {
    return 'Holdout'
  }
}

/** Beside the ledger, in ordinary backups with it: what it decided must hold for as long as what was charged. */
const pathOf = (dataDir: string) => join(dataDir, 'holdout-key')

/**
 * The holdout of a data directory. `isFirst`: no study with an evaluation was ever reserved here, so that a key may be made, once,
 * by the operating system; copies of it that a kill left are removed. Throws `HOLDOUT_LOST` where one must exist and does not.
 */
export const openHoldout = (dataDir: string, isFirst: boolean): Holdout => {
  const path = pathOf(dataDir)
  if (!existsSync(path)) {
    if (!isFirst) throw new CodedError('HOLDOUT_LOST', 'this data directory has no holdout-key any more')
    placeOnce(path, randomBytes(32))
  }
  sweepCopies(path)
  return new Holdout(readFileSync(path))
}

/**
 * Carries the holdout of this hospital's earlier data directory over, with its ledger; again changes nothing. Throws
 * `ALREADY_EXISTS` where there is another one.
 */
export const adoptHoldout = (dataDir: string, earlier: string): void => {
  const [from, to] = [pathOf(earlier), pathOf(dataDir)]
  if (!existsSync(from)) return
  const secret = readFileSync(from)
  if (!existsSync(to)) placeOnce(to, secret)
  sweepCopies(to)
  if (!readFileSync(to).equals(secret))
    throw new CodedError('ALREADY_EXISTS', 'this data directory has a holdout key of its own')
}
