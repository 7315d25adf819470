import { endianness } from 'node:os'
import { CodedError } from '../errors.ts'
import { Ring } from './ring.ts'
import { type RingParameters, secureRing } from './ring-parameters.ts'
import { selfTest } from './ring-self-test.ts'
import { loadSeal, SealObjects } from './seal-objects.ts'

/**
 * A ring, secure unless a test brings its own parameters. About 60 ms the first time. Throws `NODE_TOO_OLD`, or
 * `ENGINE_UNAVAILABLE` when SEAL does not load, lays out its bytes otherwise or fails its self-test.
 */
export const createRing = async (parameters: RingParameters = secureRing): Promise<Ring> => {
  if (endianness() !== 'LE') throw new CodedError('ENGINE_UNAVAILABLE', 'this machine is not little-endian')
  const ring = new Ring(new SealObjects(await loadSeal()), parameters)
  selfTest(ring)
  return ring
}
