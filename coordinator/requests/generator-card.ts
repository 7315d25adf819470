import { dateText } from '@tributary/shared/schema/calendar'
import { columnsOf } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { oddsSentence } from '@tributary/shared/study/study-report'
import type { GeneratorColumn, GeneratorDetail } from '../api/schemas.ts'
import { promisedPatients } from '../cohort/cohort.ts'
import { exactColumns } from '../cohort/plan.ts'
import { evaluationOf } from '../report/evaluation-section.ts'
import { contributorsOf } from '../report/participation.ts'
import { estimandOf } from '../report/privacy-section.ts'
import type { ShelvedStudy } from './study-shelf.ts'

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
    if (column.kind === 'date') {
      return {
        ...common,
        kind: 'date',
        from: dateText(column.bins[0]!),
        to: dateText(column.maximum),
        every: column.every,
      }
    }
    const { bins, maximum, integer, unit } = column
    return { ...common, kind: 'numeric', bins, maximum, integer, ...(unit !== undefined && { unit }) }
  })
}

/** What the catalogue says about a completed run: public facts of its study and of its released model. */
export const generatorCard = ({
  published,
  run,
  completed,
  modelSha256,
  evaluation,
}: ShelvedStudy): GeneratorDetail => {
  const { study, manifest } = published
  const tried = evaluationOf(manifest, evaluation, contributorsOf(manifest, run, 'scores'))
  return {
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
    ...(tried !== undefined && {
      held_out: {
        outcome: tried.outcome,
        auc: tried.held_out?.auc ?? null,
        noise_error: tried.held_out?.noise_error ?? null,
        sentence: tried.sentence,
      },
    }),
  }
}
