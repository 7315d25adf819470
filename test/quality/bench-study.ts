import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseYaml } from '@tributary/shared/study/yaml-place'
import { root } from '../harness/sources.ts'
import { draftOf } from './bench-manifest.ts'
import { hasColumns } from './hospital-table.ts'
import { inferSchema, patientColumnOf, sourceOfFile } from './inferred-schema.ts'
import { type PublicSchema, readSchema, sourceOf, studyOfSchema } from './public-schema.ts'
import type { StudyText } from './study-text.ts'
import { tableEnding, tableText } from './table-text.ts'

/** What to train and measure: a study without its family's final settings, and where its rows lie. */
export interface BenchStudy {
  readonly file: string
  readonly study: StudyText
  readonly targets: readonly string[]
  readonly siteColumn?: SiteColumn
  /** Tables to read, in the order of their names. */
  readonly files: readonly string[]
  /** What people must know of how the study came about. */
  readonly notes: readonly string[]
  /** Where the study was made of one. */
  readonly schema?: PublicSchema
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
  if (!existsSync(file)) throw new Error(`--study ${file}: no such file`)
  const { value, findings } = parseYaml(readFileSync(file, 'utf8'), file)
  if (findings.length > 0 || typeof value !== 'object' || value === null) throw new Error(`${file} is no study file`)
  return value as StudyText
}

/** What the command line says of the tables. */
export interface GivenTables {
  readonly study?: string | undefined
  readonly schema?: string | undefined
  readonly unit?: string | undefined
  readonly table?: string | undefined
  readonly patient?: string | undefined
  readonly drop?: readonly string[]
  /** Columns of targets and groups: levels, and never left out. */
  readonly kept?: readonly string[]
}

/**
 * The study for a folder of tables: `--study` if given, else one made of `--schema`, else study.yaml in the folder, else the sample
 * about a folder of that name, else one of public-schema.json in it, else one read off the rows of the largest tables of the same
 * columns, which `notes` says. Throws with what to give.
 */
export const benchStudy = (folder: string, given: GivenTables): BenchStudy => {
  const name = basename(resolve(folder))
  const sample = known[name]
  const files = chosenFiles(folder, given.table)
  if (given.study !== undefined) return { ...fromFile(resolve(given.study), sample), files, notes: [] }
  if (given.schema !== undefined) return fromSchema(name, resolve(given.schema), files, given.patient)
  const own = join(folder, 'study.yaml')
  if (existsSync(own)) return { ...fromFile(own, sample), files, notes: [] }
  if (sample !== undefined) {
    const file = join(samples, (given.unit === 'patient' ? sample.patient : undefined) ?? sample.study)
    const found = { ...fromFile(file, sample), files, notes: [] }
    const draft = draftOf(found.file, found.study)
    if (files.some((table) => hasColumns(draft, table))) return found
  }
  const schema = join(folder, 'public-schema.json')
  if (existsSync(schema)) return fromSchema(name, schema, files, given.patient)
  return fromRows(name, folder, files, given)
}

const fromSchema = (name: string, file: string, files: readonly string[], patient: string | undefined): BenchStudy => {
  const schema = readSchema(file)
  const table = files.find((each) => sourceOf(each, schema).header) ?? files[0]!
  const source = sourceOf(table, schema)
  const key = patient ?? patientColumnOf(files, source, schema)
  const notes =
    key === patient ? [] : [`column ${key} tells patients apart: they are split by it (--patient COLUMN names another)`]
  return { file, study: studyOfSchema(name, schema, source, key), targets: [], files, notes, schema }
}

const fromRows = (name: string, folder: string, files: readonly string[], given: GivenTables): BenchStudy => {
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const { names, header, delimiter } = sourceOfFile(file)
    const key = JSON.stringify([names, header, delimiter])
    groups.set(key, [...(groups.get(key) ?? []), file])
  }
  const sizeOf = (group: readonly string[]) => group.reduce((sum, file) => sum + tableText(file).length, 0)
  const [largest = []] = [...groups.values()].sort((a, b) => sizeOf(b) - sizeOf(a))
  const { schema, source, patient, notes } = inferSchema(largest, given)
  const left = files.filter((file) => !largest.includes(file)).map((file) => basename(file))
  return {
    file: join(folder, 'study.yaml'),
    study: studyOfSchema(
      largest.length === 1 ? basename(largest[0]!).replace(tableEnding, '') : name,
      schema,
      source,
      patient,
    ),
    targets: [],
    files: largest,
    schema,
    notes: [
      'no study or schema is known for these tables: levels and bins are read off the rows, which only a benchmark may (--schema FILE gives them, --write-schema FILE writes them down to be edited)',
      ...notes,
      ...(left.length === 0 ? [] : [`left out, other columns: ${left.join(', ')} (--table NAME chooses)`]),
    ],
  }
}

const fromFile = (file: string, sample: Known | undefined): Omit<BenchStudy, 'files' | 'notes'> => {
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

/** Tables in a folder, in the order of their names; with `wanted`, a list of names with or without endings, those alone. */
const chosenFiles = (folder: string, wanted: string | undefined): string[] => {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Error(`--data ${folder} is no folder`)
  const names = readdirSync(folder)
    .filter((file) => tableEnding.test(file))
    .sort()
  if (names.length === 0) throw new Error(`--data ${folder} has no tables: .csv, .tsv, .data or .arff, each also .gz`)
  if (wanted === undefined) return names.map((name) => join(folder, name))
  const chosen = wanted.split(',').map((name) => {
    const found = names.find((file) => file === name || file.replace(tableEnding, '') === name)
    if (found === undefined) throw new Error(`--table ${name}: ${folder} has ${names.join(', ')}`)
    return join(folder, found)
  })
  return [...new Set(chosen)]
}
