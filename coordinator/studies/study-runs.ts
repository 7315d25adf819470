import { join } from 'node:path'
import type { Ring } from '@tributary/shared/he/ring'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import { type SiteId, type StudyId, siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import type { Logger } from 'pino'
import type { openRoundSum } from '../aggregate/open-round.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import { StudyRun } from '../rounds/study-run.ts'
import type { PublishedStudy, StudyStore } from './study-store.ts'

export interface LiveStudy {
  readonly published: PublishedStudy
  readonly run: StudyRun
  readonly models: BlobFolder
  readonly contributions: BlobFolder
}

export const modelFolder = (dataDir: string, study: StudyId): string => join(dataDir, 'models', study)

export interface StudyRunsParts {
  readonly dataDir: string
  readonly studies: StudyStore
  readonly rounds: RoundStore
  readonly ring: Ring
  readonly clock: Clock
  readonly log: Logger
  /** Bound by the composition root. */
  readonly openRound: typeof openRoundSum
}

/** Every published study and its run; `refresh` takes up what the command line published and what the sites approved. */
export class StudyRuns {
  readonly #live = new Map<StudyId, LiveStudy>()
  readonly #opening = new Map<StudyId, Promise<LiveStudy>>()
  readonly #parts: StudyRunsParts

  constructor(parts: StudyRunsParts) {
    this.#parts = parts
  }

  all(): readonly LiveStudy[] {
    return [...this.#live.values()]
  }

  /** Throws `NOT_FOUND`, and `ROSTER_REFUSED` for a site that is not in the study. */
  forSite(study: StudyId, site: SiteId): LiveStudy {
    const live = this.#live.get(study)
    if (live === undefined) throw new CodedError('NOT_FOUND', 'no such study is published here')
    if (!live.run.terms.sites.includes(site)) throw new CodedError('ROSTER_REFUSED', `${site} is not in this study`)
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
        if (run.state.outcome === 'waiting' && this.#isReady(published)) await run.start()
      })
  }

  async tick(): Promise<void> {
    for (const [study, { run }] of this.#live) await this.#guarded(study, () => run.tick())
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

  /** Every site of the study has approved it and brought the keys for its share boxes. */
  #isReady({ study, manifest }: PublishedStudy): boolean {
    const said = (kind: 'approval' | 'box-keys') =>
      new Set(this.#parts.studies.statements(study, kind).map(({ site }) => site))
    const [approved, keyed] = [said('approval'), said('box-keys')]
    return manifest.sites.every(({ name }) => approved.has(siteId(name)) && keyed.has(siteId(name)))
  }

  async #open(published: PublishedStudy): Promise<LiveStudy> {
    const { dataDir, rounds, ring, clock, log, openRound } = this.#parts
    const models = await BlobFolder.open(modelFolder(dataDir, published.study))
    const contributions = await BlobFolder.open(join(dataDir, 'contributions', published.study))
    const run = await StudyRun.open({
      published,
      store: rounds,
      models,
      contributions,
      clock,
      log,
      open: (study, state) => openRound({ ring, store: rounds, contributions }, study, state),
    })
    return { published, run, models, contributions }
  }
}
