import { CodedError } from '../errors.ts'
import { digest, roundId } from '../ids.ts'
import { openSum } from './open-sum.ts'
import { blockSeed, type SealContext } from './public-polynomial.ts'
import { addInto } from './residues.ts'
import type { Ring } from './ring.ts'
import { SealedSum } from './sealed-sum.ts'
import { sealVector } from './sealed-vector.ts'
import { SummedKey } from './shamir.ts'
import { SiteKey } from './site-key.ts'
import type { SlotLayout } from './slots.ts'
import { largestError, smallestScaleBits } from './thresholds.ts'

/** SEAL's expansion of 64 bytes of 7 in NTT order, at these positions: an engine that differs would open nothing. */
const golden: readonly (readonly [position: number, residue: bigint])[] = [
  [0, 250097749519890275n],
  [1, 197790899903804620n],
  [4095, 245884965857630636n],
]

const nothing = '0'.repeat(64)
const context: SealContext = {
  round: roundId(nothing),
  roster: digest(nothing),
  plan: digest(nothing),
  model: digest(nothing),
}
const sites = 2
/** Two blocks and a half. */
const layout = (ring: Ring): SlotLayout => ({
  dimension: 5 * ring.degree,
  contributors: sites,
  valuesPerCoefficient: 2,
  slotBits: 20,
  scaleBits: smallestScaleBits(sites),
  bound: 200_000,
})

/** Keys that protect nothing, and as many vectors, their ends among the values. */
const fixedKey = (ring: Ring, site: number) =>
  new BigUint64Array(ring.degree).map((_, i) => (BigInt(i + site + 1) * 0x2545f4914f6cdd1dn) % ring.modulus)
const fixedVector = (ring: Ring, site: number) =>
  Float64Array.from({ length: 5 * ring.degree }, (_, i) => ((i * 7919 * (site + 1)) % 400_001) - 200_000)

/** The errors that SEAL adds to a message of zeros: what opens, as signed numbers. */
const errorsOf = (ring: Ring): number[] => {
  const seed = blockSeed(context, 0)
  const block = new BigUint64Array(ring.degree)
  ring.withKey(fixedKey(ring, 0), (keyed) => {
    keyed.seal(seed, new BigUint64Array(ring.degree), block)
    keyed.open(seed, block.slice(), block)
  })
  return Array.from(block, (value) => Number(value > ring.modulus / 2n ? value - ring.modulus : value))
}

const isExact = (ring: Ring): boolean => {
  const plan = layout(ring)
  const sum = SealedSum.create(ring, plan)
  const key = new BigUint64Array(ring.degree)
  const expected = new Float64Array(plan.dimension)
  for (let site = 0; site < sites; site++) {
    const values = fixedVector(ring, site)
    const parts = sealVector(ring, new SiteKey(fixedKey(ring, site)), context, plan, values)
    for (const [part, frame] of parts.entries()) sum.add(part, frame)
    addInto(ring.q, key, fixedKey(ring, site))
    for (let i = 0; i < values.length; i++) expected[i] = (expected[i] as number) + (values[i] as number)
  }
  const opened = openSum(ring, new SummedKey(key), sum, sites, context)
  return opened.every((value, i) => value === expected[i])
}

/**
 * What must hold of SEAL as it is here before it is trusted with anything: it expands the golden seed as expected, its errors
 * are at most 21 and are there (without them sealing hides nothing: their variance is 10.5, here demanded from 5 to 20), a fixed
 * sum opens exactly, and no object is left in its memory. Throws `ENGINE_UNAVAILABLE` saying what does not hold. Some 10 ms.
 */
export const selfTest = (ring: Ring): void => {
  const demand = (holds: boolean, otherwise: string): void => {
    if (!holds) throw new CodedError('ENGINE_UNAVAILABLE', `SEAL ${otherwise}`)
  }
  const expanded = ring.expand(new Uint8Array(64).fill(7))
  const differs = golden.some(([position, residue]) => position < ring.degree && expanded[position] !== residue)
  demand(!differs, 'expands the golden seed to another polynomial')
  const errors = errorsOf(ring)
  demand(
    errors.every((error) => Math.abs(error) <= largestError),
    `adds errors beyond ${largestError}`,
  )
  const variance = errors.reduce((sum, error) => sum + error * error, 0) / errors.length
  demand(variance > 5 && variance < 20, 'adds errors of another spread')
  demand(isExact(ring), 'opens a fixed sum to another one')
  demand(ring.liveObjects() === 0, 'is left with objects in its memory')
}
