import { createCipheriv, randomBytes } from 'node:crypto'

/**
 * The independent reference for sealed sums: pairwise masks modulo 2^64 (Bonawitz et al., "Practical Secure Aggregation for
 * Privacy-Preserving Machine Learning", 2017). No ring, no shares: only additions that cancel.
 */
export class PairwiseMasks {
  readonly #sites: number
  readonly #length: number
  readonly #seeds = new Map<string, Buffer>()

  constructor(sites: number, length: number) {
    this.#sites = sites
    this.#length = length
    for (let low = 0; low < sites; low++) {
      for (let high = low + 1; high < sites; high++) this.#seeds.set(`${low},${high}`, randomBytes(32))
    }
  }

  /** What `site` would send: its values under one mask for every other site. */
  mask(site: number, values: Float64Array): BigInt64Array {
    const masked = BigInt64Array.from(values, BigInt)
    for (let other = 0; other < this.#sites; other++) if (other !== site) this.#apply(masked, site, other, 1n)
    return masked
  }

  /** The sum over the sites that sent something; masks shared with a lost site are taken away with its revealed seeds. */
  sum(sent: ReadonlyMap<number, BigInt64Array>): number[] {
    const total = new BigInt64Array(this.#length)
    for (const [site, masked] of sent) {
      for (let i = 0; i < total.length; i++) total[i] = total[i]! + masked[i]!
      for (let other = 0; other < this.#sites; other++) {
        if (other !== site && !sent.has(other)) this.#apply(total, site, other, -1n)
      }
    }
    return Array.from(total, Number)
  }

  #apply(vector: BigInt64Array, site: number, other: number, times: bigint): void {
    const seed = this.#seeds.get(`${Math.min(site, other)},${Math.max(site, other)}`)
    if (seed === undefined) throw new Error(`no mask between ${site} and ${other}`)
    const stream = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16)).update(Buffer.alloc(8 * vector.length))
    const sign = site < other ? times : -times
    for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! + sign * stream.readBigInt64LE(8 * i)
  }
}
