import { createCipheriv, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { median, PhaseTimes } from './phase-times.ts'

/** What another way to add the same vectors costs in the same process. Bytes are per parameter; seconds of one site are a median. */
export interface Baseline {
  readonly name: string
  readonly bytesUpPerParameter: number
  readonly siteSeconds: number
  readonly coordinatorSeconds: number
  readonly siteProcessorSeconds: number
  readonly coordinatorProcessorSeconds: number
  /** Whether its sum is the plaintext integer sum (a CKKS sum: once rounded to integers). */
  readonly exact: boolean
}

const sameSum = (sum: ArrayLike<number>, expected: Float64Array): boolean =>
  sum.length === expected.length && expected.every((value, i) => value === sum[i])

/** Doubles as they are, no secrecy: eight bytes a value, and the time to add them. */
export const plaintextBaseline = (vectors: readonly Float64Array[], expected: Float64Array): Baseline => {
  const times = vectors.map(() => new PhaseTimes())
  const coordinator = new PhaseTimes()
  const sum = new Float64Array(expected.length)
  for (const [i, vector] of vectors.entries()) {
    const sent = times[i]!.time('site', () => Buffer.from(new Uint8Array(vector.buffer.slice(0))))
    const received = new Float64Array(sent.buffer, sent.byteOffset, vector.length)
    coordinator.time('add', () => {
      for (let j = 0; j < sum.length; j++) sum[j] = sum[j]! + received[j]!
    })
  }
  return {
    name: 'plaintext',
    bytesUpPerParameter: 8,
    siteSeconds: median(times.map(({ seconds }) => seconds)),
    coordinatorSeconds: coordinator.seconds,
    siteProcessorSeconds: median(times.map(({ processorSeconds }) => processorSeconds)),
    coordinatorProcessorSeconds: coordinator.processorSeconds,
    exact: sameSum(sum, expected),
  }
}

/** masked += sign * AES-256-CTR(seed), modulo 2^32. */
const applyMask = (masked: Uint32Array, seed: Uint8Array, sign: 1 | -1): void => {
  const stream = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16)).update(Buffer.alloc(masked.byteLength))
  const mask = new Uint32Array(new Uint8Array(stream).buffer)
  if (sign === 1) for (let i = 0; i < masked.length; i++) masked[i] = masked[i]! + mask[i]!
  else for (let i = 0; i < masked.length; i++) masked[i] = masked[i]! - mask[i]!
}

/**
 * Double masking (Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", 2017) modulo 2^32: a mask
 * for every other site from X25519 and one of the site's own, AES-256-CTR each. The coordinator takes away the contributors' own
 * masks and those shared with each of the `lost` sites, whose keys it is given. Left out, some 100 bytes and microseconds a pair: the
 * Shamir shares of the two seeds.
 */
export const pairwiseMaskBaseline = (
  vectors: readonly Float64Array[],
  lost: number,
  expected: Float64Array,
): Baseline => {
  const sites = vectors.length + lost
  const keys = Array.from({ length: sites }, () => generateKeyPairSync('x25519'))
  const seedOf = (privateKey: KeyObject, publicKey: KeyObject): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', diffieHellman({ privateKey, publicKey }), '', 'mask', 32))
  const own = vectors.map(() => randomBytes(32))
  const times = vectors.map(() => new PhaseTimes())
  const coordinator = new PhaseTimes()
  const sum = new Uint32Array(expected.length)
  for (const [site, vector] of vectors.entries()) {
    const masked = times[site]!.time('site', () => {
      const out = new Uint32Array(Int32Array.from(vector).buffer)
      applyMask(out, own[site]!, 1)
      for (const [other, { publicKey }] of keys.entries())
        if (other !== site) applyMask(out, seedOf(keys[site]!.privateKey, publicKey), site < other ? 1 : -1)
      return out
    })
    coordinator.time('add', () => {
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + masked[i]!
      applyMask(sum, own[site]!, -1)
      for (const [other, { privateKey }] of keys.entries())
        if (other >= vectors.length) applyMask(sum, seedOf(privateKey, keys[site]!.publicKey), -1)
    })
  }
  return {
    name: 'pairwise masks',
    bytesUpPerParameter: 4,
    siteSeconds: median(times.map(({ seconds }) => seconds)),
    coordinatorSeconds: coordinator.seconds,
    siteProcessorSeconds: median(times.map(({ processorSeconds }) => processorSeconds)),
    coordinatorProcessorSeconds: coordinator.processorSeconds,
    exact: sameSum(new Int32Array(sum.buffer), expected),
  }
}
