import { resolve } from 'node:path'
import type { StudyDraft } from '@tributary/shared/study/manifest'
import { root } from '../harness/sources.ts'
import { type HospitalTable, readHospital, type TableStudy } from './hospital-table.ts'

/** Real tables that a sample study is about. They lie beside the repository and are never copied into it. */
export interface Dataset {
  /** Absolute path of one hospital's file. */
  file(site: string): string
  /** The column that a classifier foretells; every level but `negative` counts as yes. */
  readonly outcome: { readonly column: string; readonly negative: string }
}

const data = resolve(root, '../shared/data')

const datasets: Readonly<Record<string, Dataset>> = {
  diabetes5: {
    file: (site) => resolve(data, 'diabetes5', `${site}.csv.gz`),
    outcome: { column: 'readmitted', negative: 'NO' },
  },
  heart4: {
    file: (site) => resolve(data, 'heart4', `processed.${site}.data`),
    outcome: { column: 'num', negative: '0' },
  },
}

/** By the start of the study's name: `diabetes5-row` is about diabetes5. */
export const datasetOf = ({ name }: Pick<StudyDraft, 'name'>): Dataset => {
  const dataset = datasets[name.split('-')[0] ?? '']
  if (dataset === undefined) throw new Error(`no data set for study ${name}: ${Object.keys(datasets).join(', ')}`)
  return dataset
}

/** Every hospital of the study, whole. */
export const readHospitals = (
  study: TableStudy & Pick<StudyDraft, 'sites'>,
  { file }: Pick<Dataset, 'file'>,
): HospitalTable[] => study.sites.map(({ name }) => readHospital(study, name, file(name)))
