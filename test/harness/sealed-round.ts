import { createHash, randomFillSync } from 'node:crypto'
import type { SealContext } from '../../shared/he/public-polynomial.ts'
import { type FrameRing, openFrame, packFrame } from '../../shared/he/frame.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { SealedSum } from '../../shared/he/sealed-sum.ts'
import { sealVector } from '../../shared/he/sealed-vector.ts'
import { dealShares, sumShares } from '../../shared/he/shamir.ts'
import { newSiteKey } from '../../shared/he/site-key.ts'
import type { SlotLayout } from '../../shared/he/slots.ts'
import { smallestScaleBits } from '../../shared/he/thresholds.ts'
import { digest, roundId } from '../../shared/ids.ts'
import type { RandomSource } from '../../shared/ports.ts'

/** The operating system's randomness, as the product has it. */
export const osRandom: RandomSource = { fill: (bytes) => void randomFillSync(bytes) }

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

export const contextNamed = (name: string): SealContext => ({
  round: roundId(hash(`${name} round`)),
  roster: digest(hash('roster')),
  plan: digest(hash('plan')),
  model: digest(hash('model')),
})

/** The widest slots for `contributors` sites by the rule of docs/decisions/0002, and the largest bound that fits them. */
export const widestLayout = (dimension: number, contributors: number, valuesPerCoefficient: 1 | 2 | 3): SlotLayout => {
  const scaleBits = smallestScaleBits(contributors)
  const slotBits = Math.floor((57 - scaleBits) / valuesPerCoefficient)
  const bound = Math.floor(((2 ** slotBits - 1) / contributors - 1) / 2)
  return { dimension, contributors, valuesPerCoefficient, slotBits, scaleBits, bound }
}

/** One site's part in one round, kept in plain sight for tests. */
export interface SealedSite {
  /** 1 to n. */
  readonly holder: number
  readonly shares: readonly Uint8Array[]
  readonly parts: readonly Uint8Array[]
}

/** Every site deals to all and seals its vector for `contextOf(site)`. */
export const sealedSites = (
  ring: Ring,
  layout: SlotLayout,
  threshold: number,
  vectors: readonly Float64Array[],
  contextOf: (site: number) => SealContext,
): SealedSite[] => {
  const holders = vectors.map((_, index) => index + 1)
  return vectors.map((values, index) => {
    const key = newSiteKey(ring, osRandom)
    const shares = dealShares(ring, key, threshold, holders, osRandom)
    const parts = sealVector(ring, key, contextOf(index), layout, values)
    key.erase()
    return { holder: index + 1, shares, parts }
  })
}

/** The sum of what `sites` sealed. */
export const sumOf = (ring: FrameRing, layout: SlotLayout, sites: readonly SealedSite[]): SealedSum => {
  const sum = SealedSum.create(ring, layout)
  for (const { parts } of sites) for (const [part, frame] of parts.entries()) sum.add(part, frame)
  return sum
}

/** What each of `holders` answers for the announced contributors. */
export const repliesOf = (
  ring: Ring,
  contributors: readonly SealedSite[],
  holders: readonly number[],
): { holder: number; share: Uint8Array }[] =>
  holders.map((holder) => ({
    holder,
    share: sumShares(
      ring,
      contributors.map(({ shares }) => shares[holder - 1]!),
    ),
  }))

/** The same frame of one block with one residue changed. */
export const withResidue = (
  ring: FrameRing,
  frame: Uint8Array,
  at: number,
  change: (residue: bigint) => bigint,
): Uint8Array => {
  const residues = openFrame(ring, frame, 1)
  residues[at] = change(residues[at] as bigint) % ring.q.value
  return packFrame(ring, residues)
}
