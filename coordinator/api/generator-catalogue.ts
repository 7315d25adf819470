import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import type { Logger } from 'pino'
import type { CohortWork } from '../requests/cohort-work.ts'
import type { RetiredGenerators } from '../requests/retired-generators.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { StudyStore } from '../studies/study-store.ts'
import type { GeneratorDetail } from './schemas.ts'

export interface CatalogueParts {
  readonly studies: StudyStore
  readonly rounds: RoundStore
  /** None unless given. */
  readonly retired?: Pick<RetiredGenerators, 'has'>
  readonly work: Pick<CohortWork, 'describe'>
  readonly log: Logger
}

/** The completed runs, each under its study's name, but for the retired. A completed run never changes, so it is described once. */
export class GeneratorCatalogue {
  readonly #parts: CatalogueParts
  readonly #known = new Map<StudyId, Promise<GeneratorDetail>>()

  constructor(parts: CatalogueParts) {
    this.#parts = parts
  }

  /** In the order in which the studies were published; one whose files are damaged is logged and left out. */
  async all(): Promise<readonly GeneratorDetail[]> {
    const cards: GeneratorDetail[] = []
    // One after another: what was described is kept, and the worker has time for others in between.
    for (const study of this.#completed().filter((completed) => !this.#isRetired(completed))) {
      try {
        cards.push(await this.describe(study))
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        if (code !== 'STATE_CORRUPT') throw thrown
        this.#parts.log.error({ study, code, why: message }, 'a generator cannot be offered')
      }
    }
    return cards
  }

  /** As `study`. */
  find(wanted: string): Promise<GeneratorDetail> {
    return this.describe(this.study(wanted))
  }

  /**
   * By the study's name, or its id, or the first 8 digits of that; among several those on offer. Throws `NOT_FOUND` unless
   * exactly one matches, `GENERATOR_RETIRED` where only retired ones do.
   */
  study(wanted: string): StudyId {
    const isPrefix = /^[0-9a-f]{8,64}$/.test(wanted)
    const found = this.#completed().filter(
      (study) => (isPrefix && study.startsWith(wanted)) || this.nameOf(study) === wanted,
    )
    const offered = found.filter((study) => !this.#isRetired(study))
    const [only] = offered
    if (only !== undefined && offered.length === 1) return only
    const place = { field: 'generator' }
    if (found.length > 0 && only === undefined)
      throw new CodedError('GENERATOR_RETIRED', 'this generator makes no more cohorts', { place })
    const why =
      found.length === 0 ? 'no such generator' : `${offered.length} generators match: name one by its study's digits`
    throw new CodedError('NOT_FOUND', why, { place })
  }

  /** Of a completed run, retired or not. */
  describe(study: StudyId): Promise<GeneratorDetail> {
    const known = this.#known.get(study)
    if (known !== undefined) return known
    const described = this.#parts.work.describe(study)
    this.#known.set(study, described)
    described.catch(() => this.#known.delete(study)) // it is tried again at the next call
    return described
  }

  nameOf(study: StudyId): string {
    return this.#parts.studies.study(study).manifest.name
  }

  #completed(): StudyId[] {
    const { studies, rounds } = this.#parts
    return studies.studies().filter((study) => rounds.run(study)?.state.outcome === 'completed')
  }

  #isRetired(study: StudyId): boolean {
    return this.#parts.retired?.has(study) ?? false
  }
}
