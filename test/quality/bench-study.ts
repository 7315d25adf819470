import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseYaml } from '@tributary/shared/study/yaml-place'
import { root } from '../harness/sources.ts'

/** A study file's content before it is parsed: keys as in the file. */
export type StudyText = Record<string, unknown>

/** What to train and measure: a study without its family's final settings, and where its rows lie. */
export interface BenchStudy {
  readonly file: string
  readonly study: StudyText
  readonly targets: readonly string[]
  readonly siteColumn?: SiteColumn
}

/** A column of the file that says whose row it is: a site whose name its text begins with, else `otherwise`, else nobody's. */
export interface SiteColumn {
  readonly column: string
  readonly otherwise?: string
}

interface Known {
  readonly study: string
  readonly patient?: string
  readonly targets: readonly string[]
  readonly siteColumn?: SiteColumn
}

/** Folders of ../shared/data: the sample study about each, and what a classifier foretells there. */
const known: Readonly<Record<string, Known>> = {
  diabetes5: {
    study: 'diabetes5-row.yaml',
    patient: 'diabetes5-patient.yaml',
    targets: ['readmitted!=NO', 'readmitted=<30'],
  },
  heart4: { study: 'heart4.yaml', targets: ['num!=0'] },
  thyroid: { study: 'thyroid.yaml', targets: ['class!=-'], siteColumn: { column: 'referral_source' } },
  medicaldata: {
    study: 'covid-testing.yaml',
    targets: ['result=positive'],
    siteColumn: { column: 'clinic_name', otherwise: 'wards' },
  },
}

const samples = join(root, 'deploy/samples/studies')

const readStudy = (file: string): StudyText => {
  const { value, findings } = parseYaml(readFileSync(file, 'utf8'), file)
  if (findings.length > 0 || typeof value !== 'object' || value === null) throw new Error(`${file} is no study file`)
  return value as StudyText
}

/**
 * The study for a folder of tables: `given` if named, else study.yaml in it, else the sample about a folder of that name, else one made
 * of a public schema (`schema`, or public-schema.json in the folder). Throws with what to give for a folder that has none.
 */
export const benchStudy = (
  folder: string,
  given: {
    readonly study?: string | undefined
    readonly schema?: string | undefined
    readonly unit?: string | undefined
  },
): BenchStudy => {
  const name = basename(resolve(folder))
  const sample = known[name]
  const own = join(folder, 'study.yaml')
  if (given.study !== undefined) return fromFile(resolve(given.study), sample)
  if (given.schema === undefined && existsSync(own)) return fromFile(own, sample)
  if (given.schema === undefined && sample !== undefined) {
    const file = join(samples, (given.unit === 'patient' ? sample.patient : undefined) ?? sample.study)
    if (existsSync(file)) return fromFile(file, sample)
  }
  const schema = given.schema ?? join(folder, 'public-schema.json')
  if (!existsSync(schema))
    throw new Error(
      `${folder}: no study is known for this folder. Give --study FILE (its columns and levels), or --schema FILE, a JSON object of ` +
        'columns: {"age": {"kind": "num", "starts": [0, 40, 60], "max": 110}, "sex": {"kind": "cat", "levels": ["F", "M"]}}',
    )
  return { file: schema, study: studyOfSchema(name, schema), targets: [] }
}

const fromFile = (file: string, sample: Known | undefined): BenchStudy => {
  const study = readStudy(file)
  const { evaluation } = study as { evaluation?: { outcome: string; positive: readonly string[] } }
  const declared = evaluation === undefined ? [] : [`${evaluation.outcome}=${evaluation.positive.join('|')}`]
  const isAboutSample = sample !== undefined && basename(file).startsWith(sample.study.split(/[-.]/)[0] ?? '')
  return {
    file,
    study,
    targets: declared.length > 0 || !isAboutSample ? declared : sample.targets,
    ...(isAboutSample && sample.siteColumn !== undefined ? { siteColumn: sample.siteColumn } : {}),
  }
}

interface SchemaColumn {
  readonly kind: 'cat' | 'num'
  readonly levels?: readonly string[]
  readonly ordinal?: boolean
  readonly starts?: readonly number[]
  readonly max?: number
  readonly missing?: boolean
}

/** A study of three nominal hospitals over a public schema as diabetes5/public-schema.json has it. */
const studyOfSchema = (name: string, file: string): StudyText => {
  const schema = JSON.parse(readFileSync(file, 'utf8')) as Record<string, SchemaColumn>
  const columns = Object.entries(schema).map(([column, { kind, levels, ordinal, starts, max, missing }]) => {
    const common = { name: column, ...(missing === true ? { missing: 'level' } : {}) }
    if (kind === 'cat' && levels !== undefined)
      return { ...common, kind: 'categorical', levels, ordered: ordinal ?? false }
    if (kind === 'num' && starts !== undefined && max !== undefined)
      return { ...common, kind: 'numeric', bins: starts, maximum: max, outside: 'clamp' }
    throw new Error(`${file}: column ${column} is neither "cat" with levels nor "num" with starts and max`)
  })
  return {
    tributary: 'study/1',
    name:
      name
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]/g, '-')
        .replace(/^-+/, '') || 'bench',
    purpose: 'A benchmark of synthesizers.',
    source: { format: 'csv', missing: ['NA', '?'] },
    columns,
    privacy: { unit: 'row', most_rows_per_patient: 1, epsilon: 1, delta: 1e-5 },
    family: { name: 'autoregressive' },
    sites: ['a', 'b', 'c'].map((site) => ({ name: site, promised_patients: 1000, promised_rows: 1000 })),
    federation: { least_contributors: 3, colluders: 0, noise_shares: 3 },
  }
}

/** Tables in a folder, in the order of their names. */
export const tableFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => /\.(csv|csv\.gz|data)$/.test(file))
    .sort()
    .map((file) => join(folder, file))
