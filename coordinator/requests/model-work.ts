import type { IdentityKey } from '@tributary/shared/wire/signed'
import { openCohort } from '../cohort/cohort.ts'
import type { CohortOrder } from '../cohort/order.ts'
import { planCohort } from '../cohort/plan.ts'
import { makeRelease } from '../release/make-release.ts'
import type { Probe } from '../api/schemas.ts'
import type { CohortWork } from './cohort-work.ts'
import { generatorCard } from './generator-card.ts'
import { releaseFolder } from '../data-paths.ts'
import type { ShelvedStudy, StudyShelf } from './study-shelf.ts'

export interface ModelWorkParts {
  readonly dataDir: string
  readonly shelf: StudyShelf
  readonly federation: string
  readonly signer: IdentityKey
}

const notice = 'SYNTHETIC: drawn from a generator; no row is a patient.'

const probeRows = async ({ published, model }: ShelvedStudy, order: CohortOrder): Promise<Probe> => {
  const cohort = openCohort(published.manifest, model, order)
  const rows: string[][] = []
  for await (const batch of cohort.batches())
    for (let row = 0; row < batch.rows; row++) rows.push(cohort.columns.map((_, column) => batch.text(row, column)))
  return { columns: cohort.columns.map(({ name }) => name), rows, seed: order.seed, notice }
}

/** Cohort work on the released models of a data directory: post-processing, no look at patients, no privacy cost. */
export const modelWork = ({ dataDir, shelf, federation, signer }: ModelWorkParts): CohortWork => ({
  describe: async (study) => {
    return generatorCard(await shelf.get(study))
  },
  probe: async (study, order) => probeRows(await shelf.get(study), order),
  plan: async (study, order) => {
    const { published, model } = await shelf.get(study)
    return planCohort(published.manifest, model, order)
  },
  release: async (facts, onProgress) => {
    const { published, run, model, modelSha256, evaluation } = await shelf.get(facts.study)
    const { rows, seed, where, additions } = facts
    await makeRelease(releaseFolder(dataDir, facts.release), {
      releaseId: facts.release,
      created: new Date(facts.created),
      published,
      run,
      model,
      modelSha256,
      evaluation,
      order: { rows, seed, ...(where !== null && { where }), ...additions },
      formats: facts.formats,
      purpose: facts.purpose,
      signer,
      federation,
      onProgress,
    })
  },
})
