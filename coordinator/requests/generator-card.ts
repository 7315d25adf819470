import type { Digest } from '@tributary/shared/ids'
import { columnsOf } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { oddsSentence } from '@tributary/shared/study/study-report'
import type { GeneratorColumn, GeneratorDetail } from '../api/schemas.ts'
import { promisedPatients } from '../cohort/cohort.ts'
import { exactColumns } from '../cohort/plan.ts'
import { estimandOf } from '../report/privacy-section.ts'
import type { RunReport } from '../release/release-parts.ts'
import type { PublishedStudy } from '../studies/study-store.ts'

const cardColumns = (manifest: Manifest): GeneratorColumn[] => {
  const columns = columnsOf(manifest)
  const exact = exactColumns(columns)
  return columns.map((column, position) => {
    const common = {
      name: column.name,
      position,
      handling: position < exact ? ('exact' as const) : ('weighted' as const),
      missing: column.missing === 'level',
    }
    if (column.kind === 'categorical') return { ...common, kind: 'categorical', levels: column.levels }
    const { bins, maximum, integer } = column
    return { ...common, kind: 'numeric', bins, maximum, integer }
  })
}

/** What the catalogue says about a completed run: public facts of its study and of its released model. */
export const generatorCard = (
  { study, manifest }: PublishedStudy,
  run: RunReport,
  completed: number,
  modelSha256: Digest,
): GeneratorDetail => ({
  generator: manifest.name,
  study,
  purpose: manifest.purpose,
  sites: manifest.sites.map(({ name }) => name),
  promised_patients: promisedPatients(manifest),
  epsilon: run.epsilon,
  delta: run.delta,
  unit: run.unit,
  completed: new Date(completed).toISOString(),
  estimand: estimandOf(manifest),
  columns: cardColumns(manifest),
  odds: { public: oddsSentence(run.epsilon.public), peer: oddsSentence(run.epsilon.peer) },
  model_sha256: modelSha256,
})
