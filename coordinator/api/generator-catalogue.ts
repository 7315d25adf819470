import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import type { Logger } from 'pino'
import type { CohortWork } from '../requests/cohort-work.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { StudyStore } from '../studies/study-store.ts'
import type { GeneratorDetail } from './schemas.ts'

export interface CatalogueParts {
  readonly studies: StudyStore
  readonly rounds: RoundStore
  readonly work: Pick<CohortWork, 'describe'>
  readonly log: Logger
}

/** The completed runs, each under its study's name. A completed run never changes, so it is described once. */
export class GeneratorCatalogue {
  readonly #parts: CatalogueParts
  readonly #known = new Map<StudyId, Promise<GeneratorDetail>>()

  constructor(parts: CatalogueParts) {
    this.#parts = parts
  }

  /** In the order in which the studies were published; one whose files are damaged is logged and left out. */
  async all(): Promise<readonly GeneratorDetail[]> {
    const described = this.#completed().map((study) =>
      this.#describe(study).catch((thrown: unknown) => {
        const { code, message } = asCodedError(thrown)
        if (code !== 'STATE_CORRUPT') throw thrown
        this.#parts.log.error({ study, code, why: message }, 'a generator cannot be offered')
        return undefined
      }),
    )
    return (await Promise.all(described)).filter((card) => card !== undefined)
  }

  /** By the study's name, or its id, or the first 8 digits of that. Throws `NOT_FOUND` unless exactly one matches. */
  find(wanted: string): Promise<GeneratorDetail> {
    return this.#describe(this.study(wanted))
  }

  /** As `find`. */
  study(wanted: string): StudyId {
    const isPrefix = /^[0-9a-f]{8,64}$/.test(wanted)
    const found = this.#completed().filter(
      (study) => (isPrefix && study.startsWith(wanted)) || this.nameOf(study) === wanted,
    )
    const [only] = found
    if (only !== undefined && found.length === 1) return only
    const why =
      found.length === 0 ? 'no such generator' : `${found.length} generators match: name one by its study's digits`
    throw new CodedError('NOT_FOUND', why, { place: { field: 'generator' } })
  }

  nameOf(study: StudyId): string {
    return this.#parts.studies.study(study).manifest.name
  }

  #completed(): StudyId[] {
    const { studies, rounds } = this.#parts
    return studies.studies().filter((study) => rounds.run(study)?.state.outcome === 'completed')
  }

  #describe(study: StudyId): Promise<GeneratorDetail> {
    const known = this.#known.get(study)
    if (known !== undefined) return known
    const described = this.#parts.work.describe(study)
    this.#known.set(study, described)
    described.catch(() => this.#known.delete(study)) // it is tried again at the next call
    return described
  }
}
