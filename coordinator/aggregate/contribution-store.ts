import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrameRing } from '@tributary/shared/he/frame'
import type { SealedSum } from '@tributary/shared/he/sealed-sum'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'
import { makeFolder } from '@tributary/shared/store/durable-folder'
import { storeError } from '@tributary/shared/store/store-error'
import type { UploadState } from '@tributary/shared/wire/federation-api'
import { CodedError } from '@tributary/shared/errors'
import { type Contributor, RunningSum, unoffered } from './running-sum.ts'

/**
 * Sealed contributions to one study's open attempts: on the disk, a file a site, and added up in memory as their parts arrive, one
 * vector an attempt whatever the number of sites. After a restart a sum is made again from the files; nothing but the hashes that
 * the sites signed says what is in them.
 */
export class ContributionStore {
  readonly #folder: string
  readonly #ring: FrameRing
  readonly #sums = new Map<RoundId, RunningSum>()

  private constructor(folder: string, ring: FrameRing) {
    this.#folder = folder
    this.#ring = ring
  }

  static async open(folder: string, ring: FrameRing): Promise<ContributionStore> {
    makeFolder(folder)
    return new ContributionStore(folder, ring)
  }

  /**
   * Begins or resumes a contribution of parts with these hashes: what is missing, and whether all of it is held and durable. Throws
   * `ROUND_REFUSED` where the site began another one (R3), `FRAME_INVALID` for a number of parts that the layout has not.
   */
  async begin(round: RoundId, site: SiteId, hashes: readonly Digest[], layout: SlotLayout): Promise<UploadState> {
    let sum = this.#sums.get(round)
    if (sum === undefined) {
      makeFolder(join(this.#folder, round))
      sum = new RunningSum(join(this.#folder, round), this.#ring, layout)
      this.#sums.set(round, sum)
    }
    const missing = await sum.begin(site, hashes)
    return { complete: missing.length === 0 && (await this.settle(round, site)), missing }
  }

  /** Takes a part as `RunningSum.put` does. Throws `UNAVAILABLE` for a contribution that this run of the program has not begun. */
  async put(round: RoundId, site: SiteId, part: number, data: Uint8Array): Promise<void> {
    await (this.#sums.get(round) ?? unoffered()).put(site, part, data)
  }

  /** Whether every part is held; then it is durable too. Throws `DISK_FULL`: the site has to send everything again. */
  async settle(round: RoundId, site: SiteId): Promise<boolean> {
    const sum = this.#sums.get(round) ?? unoffered()
    try {
      return await sum.settle(site)
    } catch (thrown) {
      if (thrown instanceof CodedError && thrown.code === 'UNAVAILABLE') throw thrown
      // What a failed sync left in the file may read well now and be gone after a power cut.
      if (this.#sums.get(round) === sum) this.#sums.delete(round)
      await sum.end()
      await rm(join(this.#folder, round, site), { force: true })
      throw thrown
    }
  }

  /**
   * The sum of exactly these contributors, handed over: parts of others are taken away, and asked again, it is made from the disk.
   * Throws `STATE_CORRUPT` naming the contributor whose file is damaged. Cost: one pass over what is not in the sum yet.
   */
  async sum(round: RoundId, contributors: readonly Contributor[], layout: SlotLayout): Promise<SealedSum> {
    const running = this.#sums.get(round)
    this.#sums.delete(round)
    const afresh = () => new RunningSum(join(this.#folder, round), this.#ring, layout)
    const sum = (await running?.of(contributors)) ?? (await afresh().of(contributors))
    return sum ?? unoffered() // a sum without arrivals takes nothing away
  }

  /** Removes what was sent to any other round, but for one that begins meanwhile. */
  async keepOnly(rounds: ReadonlySet<RoundId>): Promise<void> {
    const others = [...this.#sums].filter(([round]) => !rounds.has(round))
    for (const [round] of others) this.#sums.delete(round)
    await Promise.all(others.map(([, sum]) => sum.end()))
    try {
      for (const name of await readdir(this.#folder)) {
        if (rounds.has(name as RoundId) || this.#sums.has(name as RoundId)) continue
        await rm(join(this.#folder, name), { recursive: true, force: true })
      }
    } catch (thrown) {
      throw storeError(this.#folder, thrown)
    }
  }
}
