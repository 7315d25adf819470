import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import type { FrameRing } from '@tributary/shared/he/frame'
import { partCount } from '@tributary/shared/he/parts'
import { SealedSum } from '@tributary/shared/he/sealed-sum'
import { blockCount, type SlotLayout } from '@tributary/shared/he/slots'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { ContributionFile } from './contribution-file.ts'

/** A site of the contributor set U and the hashes of its parts, in order. */
export interface Contributor {
  readonly site: SiteId
  readonly hashes: readonly Digest[]
}

/** One contribution on its way: which parts of it are in the sum and in its file. */
interface Arrival {
  readonly hashes: readonly Digest[]
  readonly file: ContributionFile
  readonly held: Set<number>
  isSettled: boolean
  /** One thing at a time for each site, however many of its connections ask. */
  turn: Promise<unknown>
}

/**
 * The sum of one attempt while its contributions arrive, in any order of parts and sites. Memory: one vector, however many sites
 * send; what was added is on the disk as well, so that this is a cache that may be lost at any time. Parts are whole, hashed and
 * checked before they are added; nothing here reaches SEAL.
 */
export class RunningSum {
  readonly #ring: FrameRing
  readonly #folder: string
  readonly #blocks: number
  readonly #sum: SealedSum
  readonly #arrivals = new Map<SiteId, Arrival>()
  #isOver = false

  /** `folder`: of this attempt alone. Throws `PLAN_REFUSED` for a layout whose sums could not open exactly. */
  constructor(folder: string, ring: FrameRing, layout: SlotLayout) {
    this.#folder = folder
    this.#ring = ring
    this.#blocks = blockCount(ring, layout)
    this.#sum = SealedSum.create(ring, layout)
  }

  /**
   * Parts of the site's contribution that are not held, ascending; the first time, what an earlier run of the program left in the
   * file is found by its hash and added. Throws `ROUND_REFUSED` for other hashes than before (R3), `FRAME_INVALID` for another
   * number of parts than the layout has.
   */
  async begin(site: SiteId, hashes: readonly Digest[]): Promise<number[]> {
    const known = this.#arrivals.get(site)
    if (known !== undefined) {
      if (!isSame(known.hashes, hashes))
        throw new CodedError('ROUND_REFUSED', `${site} has offered another contribution to this attempt`)
      return this.#inTurn(known, async () => missingOf(known))
    }
    if (hashes.length !== partCount(this.#blocks))
      throw new CodedError('FRAME_INVALID', `${hashes.length} parts, not ${partCount(this.#blocks)}`)
    const arrival = this.#arrival(site, hashes)
    this.#arrivals.set(site, arrival)
    return this.#inTurn(arrival, async () => {
      await this.#addHeld(arrival)
      return missingOf(arrival)
    })
  }

  /**
   * Adds and writes one part; one that is held already is passed over. Throws `FRAME_INVALID` for a part that was not offered,
   * with other bytes, or that is no frame of this attempt, and `DISK_FULL`: the sum is then as it was.
   */
  async put(site: SiteId, part: number, data: Uint8Array): Promise<void> {
    const arrival = this.#offered(site)
    await this.#inTurn(arrival, async () => {
      const hash = arrival.hashes[part]
      if (hash === undefined) throw invalid('part', `no part ${part} in a contribution of ${arrival.hashes.length}`)
      if (arrival.held.has(part)) return
      if (hashBytes(data) !== hash) throw invalid('data', `part ${part} has other bytes than were offered`)
      this.#sum.add(part, data)
      try {
        await arrival.file.write(part, data)
      } catch (thrown) {
        this.#sum.takeAway(part, data)
        throw thrown
      }
      arrival.held.add(part)
    })
  }

  /** Whether every part is held and on the disk. Throws what `sync` throws; what the file holds is then unknown. */
  async settle(site: SiteId): Promise<boolean> {
    const arrival = this.#offered(site)
    return this.#inTurn(arrival, async () => {
      if (arrival.held.size < arrival.hashes.length) return false
      if (!arrival.isSettled) await arrival.file.sync()
      arrival.isSettled = true
      return true
    })
  }

  /** Nothing is taken any more; resolves when what was under way has ended. */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all([...this.#arrivals.values()].map(({ turn }) => turn))
  }

  /**
   * Ends the arrivals and gives the sum of exactly these contributors: what others sent is taken away, what is not in the sum yet
   * is added from the disk. Undefined where what others sent can be read no more. Throws `STATE_CORRUPT` naming a contributor
   * whose file is damaged.
   */
  async of(contributors: readonly Contributor[]): Promise<SealedSum | undefined> {
    await this.end()
    const hashesOf = new Map(contributors.map(({ site, hashes }) => [site, hashes]))
    for (const [site, arrival] of this.#arrivals) {
      if (isSame(hashesOf.get(site) ?? [], arrival.hashes)) continue
      for (const part of arrival.held) {
        const data = await arrival.file.read(part, arrival.hashes[part] as Digest)
        if (data === undefined) return undefined
        this.#sum.takeAway(part, data)
      }
      this.#arrivals.delete(site)
    }
    for (const { site, hashes } of contributors) {
      const arrival = this.#arrivals.get(site) ?? this.#arrival(site, hashes)
      await this.#addHeld(arrival)
      const [lost] = missingOf(arrival)
      if (lost !== undefined)
        throw new CodedError('STATE_CORRUPT', `part ${lost} of what ${site} contributed is missing or was altered`)
    }
    return this.#sum
  }

  #arrival(site: SiteId, hashes: readonly Digest[]): Arrival {
    const file = new ContributionFile(join(this.#folder, site), this.#ring, this.#blocks)
    return { hashes, file, held: new Set(), isSettled: false, turn: Promise.resolve() }
  }

  /** Adds what the file has and the sum has not. */
  async #addHeld(arrival: Arrival): Promise<void> {
    for (const part of missingOf(arrival)) {
      const data = await arrival.file.read(part, arrival.hashes[part] as Digest)
      if (data === undefined) continue
      this.#sum.add(part, data)
      arrival.held.add(part)
    }
  }

  #offered(site: SiteId): Arrival {
    return this.#arrivals.get(site) ?? unoffered()
  }

  #inTurn<T>(arrival: Arrival, work: () => Promise<T>): Promise<T> {
    const done = arrival.turn.then(() => (this.#isOver ? unoffered() : work()))
    arrival.turn = done.catch(() => undefined)
    return done
  }
}

/** The sender offers again, and is told then what to send, or that it is too late. */
export const unoffered = (): never => {
  throw new CodedError('UNAVAILABLE', 'this contribution is not being taken now: offer it again')
}

const invalid = (field: string, why: string) => new CodedError('FRAME_INVALID', why, { place: { field } })

const isSame = (a: readonly Digest[], b: readonly Digest[]): boolean =>
  a.length === b.length && a.every((hash, i) => hash === b[i])

const missingOf = ({ hashes, held }: Arrival): number[] => hashes.flatMap((_, part) => (held.has(part) ? [] : [part]))
