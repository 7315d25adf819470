import { CodedError } from '@tributary/shared/errors'
import type { Digest, StudyId } from '@tributary/shared/ids'
import type { Generator } from '@tributary/shared/generator/generator'
import { releasedModel } from '../cohort/released-model.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { RunReport } from '../release/release-parts.ts'
import { runReport } from '../studies/run-report.ts'
import type { PublishedStudy, StudyStore } from '../studies/study-store.ts'

/** A completed run with its model loaded. */
export interface ShelvedStudy {
  readonly published: PublishedStudy
  readonly run: RunReport
  /** ms since 1970. */
  readonly completed: number
  readonly model: Generator
  readonly modelSha256: Digest
  readonly evaluation: Evaluation | null
}

/** Models kept in memory at a time, tens of MB each at most. */
const mostLoaded = 4

/** Completed runs, loaded once and kept while they are used: what a completed run is made of no longer changes. */
export class StudyShelf {
  readonly #dataDir: string
  readonly #studies: StudyStore
  readonly #rounds: RoundStore
  readonly #loaded = new Map<StudyId, ShelvedStudy>()

  constructor(dataDir: string, studies: StudyStore, rounds: RoundStore) {
    this.#dataDir = dataDir
    this.#studies = studies
    this.#rounds = rounds
  }

  /** Throws `NOT_FOUND` before the run completed. */
  async get(study: StudyId): Promise<ShelvedStudy> {
    const shelved = this.#loaded.get(study) ?? (await this.#load(study))
    this.#loaded.delete(study) // the last used is the last in the map
    this.#loaded.set(study, shelved)
    for (const oldest of [...this.#loaded.keys()].slice(0, -mostLoaded)) this.#loaded.delete(oldest)
    return shelved
  }

  async #load(study: StudyId): Promise<ShelvedStudy> {
    const published = this.#studies.study(study)
    const { model, sha256, evaluation } = await releasedModel(this.#dataDir, published, this.#rounds)
    const completed = this.#rounds.run(study)?.times.finished
    if (completed === undefined) throw new CodedError('STATE_CORRUPT', 'a completed run without the time of its end')
    return {
      published,
      run: runReport(published, this.#studies, this.#rounds),
      completed,
      model,
      modelSha256: sha256,
      evaluation,
    }
  }
}
