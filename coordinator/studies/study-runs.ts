import { join } from 'node:path'
import type { FrameRing } from '@tributary/shared/he/frame'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import { type SiteId, type StudyId, siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import { shareHolders } from '@tributary/shared/study/share-holders'
import type { Logger } from 'pino'
import { ContributionStore } from '../aggregate/contribution-store.ts'
import type { openRoundSum } from '../aggregate/open-round.ts'
import type { Opening } from '../aggregate/opening.ts'
import type { Disputes } from '../disputes/disputes.ts'
import type { Finishing } from '../model/finishing.ts'
import { Training } from '../model/training.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import { siftDeals } from '../rounds/sift-deals.ts'
import { StudyRun } from '../rounds/study-run.ts'
import { endOfStudy, type IsStanding, type Membership, membershipOf } from './membership.ts'
import type { PublishedStudy, StudyStore } from './study-store.ts'

export interface LiveStudy {
  readonly published: PublishedStudy
  readonly run: StudyRun
  readonly models: BlobFolder
  readonly contributions: ContributionStore
}

export const modelFolder = (dataDir: string, study: StudyId): string => join(dataDir, 'models', study)

export interface StudyRunsParts {
  readonly dataDir: string
  readonly studies: StudyStore
  readonly rounds: RoundStore
  readonly ring: FrameRing
  readonly opening: Opening
  readonly finishing: Finishing
  readonly disputes: Disputes
  readonly clock: Clock
  readonly log: Logger
  /** Bound by the composition root. */
  readonly openRound: typeof openRoundSum
  readonly isStanding: IsStanding
}

/** Every published study and its run; `refresh` takes up what the command line published and what the sites approved. */
export class StudyRuns {
  readonly #live = new Map<StudyId, LiveStudy>()
  readonly #opening = new Map<StudyId, Promise<LiveStudy>>()
  /** Who was removed or revoked, as of the latest `refresh`. */
  readonly #memberships = new Map<StudyId, Membership>()
  readonly #parts: StudyRunsParts

  constructor(parts: StudyRunsParts) {
    this.#parts = parts
  }

  all(): readonly LiveStudy[] {
    return [...this.#live.values()]
  }

  /** Throws `NOT_FOUND`, and `ROSTER_REFUSED` for a site that is not in the study, or no longer. */
  forSite(study: StudyId, site: SiteId): LiveStudy {
    const live = this.#named(study)
    live.run.requireMember(site)
    return live
  }

  /** As `forSite`; but that a study is over is told to whoever was ever in it, or they would ask for ever. */
  forAsker(study: StudyId, site: SiteId): LiveStudy {
    const live = this.#named(study)
    const { outcome } = live.run.state
    const isOver = outcome === 'completed' || outcome === 'stopped'
    return isOver && live.run.terms.sites.includes(site) ? live : this.forSite(study, site)
  }

  #named(study: StudyId): LiveStudy {
    const live = this.#live.get(study)
    if (live === undefined) throw new CodedError('NOT_FOUND', 'no such study is published here')
    return live
  }

  async refresh(): Promise<void> {
    const { studies } = this.#parts
    for (const study of studies.studies()) {
      if (this.#live.has(study)) continue
      await this.#guarded(study, async () => {
        // One opening at a time, whoever asks: two runs of one study would fight over its rounds.
        const opening = this.#opening.get(study) ?? this.#open(studies.study(study))
        this.#opening.set(study, opening)
        this.#live.set(study, await opening)
      })
      this.#opening.delete(study)
    }
    for (const [study, { published, run }] of this.#live)
      await this.#guarded(study, async () => {
        await this.#applyMembership(published, run)
        if (run.state.outcome === 'waiting' && this.#isReady(published, run)) await run.start()
      })
  }

  async tick(): Promise<void> {
    this.#judge()
    for (const [study, { run }] of this.#live) await this.#guarded(study, () => run.tick())
  }

  /** Before rounds go on: what they are sifted by may depend on a verdict that is due. */
  #judge(): void {
    for (const study of this.#parts.disputes.tick()) this.#live.get(study)?.run.waiters.wake()
  }

  /** What is wrong with one study must not hold up the others; it is tried again at the next look. */
  async #guarded(study: StudyId, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      const { code, message } = asCodedError(thrown)
      this.#parts.log.error({ study, code, why: message }, 'a study could not be taken forward')
    }
  }

  async finish(): Promise<void> {
    for (const { run } of this.#live.values()) await run.finish()
  }

  #barred(study: StudyId): readonly SiteId[] {
    const { removed, revoked } = this.#memberships.get(study) ?? { removed: [], revoked: [] }
    return [...removed, ...revoked].toSorted()
  }

  #noteMembership(published: PublishedStudy): void {
    const { studies, isStanding } = this.#parts
    this.#memberships.set(published.study, membershipOf(published, studies, isStanding))
  }

  /** An ordered stop, a revocation or a removal takes effect here: rounds go on without the site, or the study ends naming it. */
  async #applyMembership(published: PublishedStudy, run: StudyRun): Promise<void> {
    const { study } = published
    if (run.state.outcome !== 'running' && run.state.outcome !== 'waiting') return
    const ordered = this.#parts.studies.stopOrder(study)
    if (ordered !== undefined) return await run.stop(`stopped by the operator: ${ordered}`)
    const before = this.#barred(study)
    this.#noteMembership(published)
    const barred = this.#barred(study)
    if (before.join() !== barred.join()) this.#parts.log.warn({ study, barred }, 'sites that may not take part changed')
    const { removed = [] } = this.#memberships.get(study) ?? {}
    const approvals = () => this.#parts.studies.statements(study, 'approval').map(({ site }) => site)
    const end = removed.length === 0 ? null : endOfStudy(published, removed, approvals())
    if (end !== null) await run.stop(end)
    else if (before.join() !== barred.join()) await run.reconsider()
  }

  /** Every site of the study has approved it, and every share holder brought the keys for its first boxes. */
  #isReady({ study, manifest }: PublishedStudy, run: StudyRun): boolean {
    const { studies } = this.#parts
    const approved = new Set(studies.statements(study, 'approval').map(({ site }) => site))
    const isKeyed = this.#keyed(study, run.terms.holders, 0).length === run.terms.holders.length
    return isKeyed && manifest.sites.every(({ name }) => approved.has(siteId(name)))
  }

  #keyed(study: StudyId, holders: readonly SiteId[], epoch: number): readonly SiteId[] {
    const brought = new Set(this.#parts.studies.boxKeys(study, epoch).map(({ site }) => site))
    return holders.filter((site) => brought.has(site))
  }

  async #open(published: PublishedStudy): Promise<LiveStudy> {
    const { dataDir, rounds, ring, clock, log, openRound, opening, finishing, disputes } = this.#parts
    const { manifest } = published
    const models = await BlobFolder.open(modelFolder(dataDir, published.study))
    const contributions = await ContributionStore.open(join(dataDir, 'contributions', published.study), ring)
    const holders = shareHolders(published.manifest, published.roster)
    // First: a run that resumes must know who is out.
    this.#noteMembership(published)
    this.#judge()
    const run = await StudyRun.open({
      published,
      store: rounds,
      models,
      contributions,
      clock,
      log,
      open: (study, state) => openRound({ store: rounds, contributions, opening }, study, state),
      finish: async (training) => {
        const began = clock.now()
        log.info({ study: published.study, family: manifest.family.name }, 'finishing the generator')
        const finished = await finishing.finish({ manifest, training: training.encode() })
        log.info({ study: published.study, seconds: (clock.now() - began) / 1000 }, 'the generator is finished')
        return Training.decode(manifest, finished)
      },
      sift: (state) => {
        const disputed = siftDeals(ring, published, state, rounds)
        disputes.begin(published, state, rounds, disputed)
        return disputed
      },
      distrusted: (state) => disputes.distrusted(published, state),
      keyed: (epoch) => this.#keyed(published.study, holders, epoch),
      barred: () => this.#barred(published.study),
    })
    return { published, run, models, contributions }
  }
}
