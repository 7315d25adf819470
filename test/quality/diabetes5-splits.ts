import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { columnsOf, encodeAnyCell } from '@tributary/shared/schema/column'
import type { StudyDraft } from '@tributary/shared/study/manifest'
import { root } from '../harness/sources.ts'
import type { WeightedRows } from './pairwise-distance.ts'

/** Codes row-major in the study's columns, and the patient of each row. */
export interface PatientRows {
  readonly cells: Uint16Array
  readonly patients: readonly string[]
}

/** One hospital's file: `lines[r]` is the text that `cells` row r was read from. */
export interface HospitalTable extends PatientRows {
  readonly name: string
  readonly header: string
  readonly lines: readonly string[]
}

export interface Split {
  /** One table for each hospital, in their order. */
  readonly train: readonly PatientRows[]
  /** All hospitals' held-out rows. */
  readonly heldOut: PatientRows
}

type TableStudy = Pick<StudyDraft, 'columns' | 'source' | 'privacy'>

/** The data lie beside the repository and are never copied into it. */
export const diabetes5 = resolve(root, '../shared/data/diabetes5')
export const hospitalFile = (name: string, folder = diabetes5): string => join(folder, `${name}.csv.gz`)

const most = 5

/** The patients of a split that no model of it sees: about one in five. */
export const isHeldOut = (split: number, patient: string): boolean =>
  Number.parseInt(createHash('sha256').update(`${split}|${patient}`).digest('hex').slice(0, 8), 16) % most === 0

/** Throws a line number and never a value. The files have no quoted field; one that did is refused. */
export const readHospital = (study: TableStudy, name: string, folder = diabetes5): HospitalTable => {
  const path = hospitalFile(name, folder)
  if (!existsSync(path))
    throw new Error(`NOT RUN: ${path} is missing (the five hospitals' files: see SOURCE.txt there)`)
  const [header = '', ...lines] = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split(/\r?\n/)
  const names = header.split(',')
  const place = (wanted: string | undefined) => {
    const at = names.indexOf(wanted ?? '')
    if (at < 0) throw new Error(`${path} has no column ${wanted}`)
    return at
  }
  const key = place(study.privacy.patient_key)
  const columns = columnsOf(study).map((column) => ({ column, at: place(column.name) }))
  const cells = new Uint16Array(lines.length * columns.length)
  const patients = lines.map((line, row) => {
    const fields = line.split(',')
    if (fields.length !== names.length || line.includes('"')) throw new Error(`${path}:${row + 2} is not a plain line`)
    columns.forEach(({ column, at }, j) => {
      cells[row * columns.length + j] = encodeAnyCell(column, fields[at] ?? null)
    })
    return fields[key] ?? ''
  })
  return { name, header, lines, patients, cells }
}

/** Every hospital of the study. */
export const readHospitals = (study: TableStudy & Pick<StudyDraft, 'sites'>, folder = diabetes5): HospitalTable[] =>
  study.sites.map(({ name }) => readHospital(study, name, folder))

/** Rows `keep` says yes to, in order. */
export const rowsWhere = ({ cells, patients }: PatientRows, keep: (patient: string) => boolean): PatientRows => {
  const columns = patients.length === 0 ? 0 : cells.length / patients.length
  const kept = patients.flatMap((patient, row) => (keep(patient) ? [row] : []))
  const codes = new Uint16Array(kept.length * columns)
  kept.forEach((row, i) => codes.set(cells.subarray(row * columns, (row + 1) * columns), i * columns))
  return { cells: codes, patients: kept.map((row) => patients[row]!) }
}

export const pooled = (tables: readonly PatientRows[]): PatientRows => {
  const cells = new Uint16Array(tables.reduce((sum, table) => sum + table.cells.length, 0))
  let at = 0
  for (const table of tables) {
    cells.set(table.cells, at)
    at += table.cells.length
  }
  return { cells, patients: tables.flatMap(({ patients }) => patients) }
}

export const splitOf = (hospitals: readonly PatientRows[], split: number): Split => ({
  train: hospitals.map((table) => rowsWhere(table, (patient) => !isHeldOut(split, patient))),
  heldOut: pooled(hospitals.map((table) => rowsWhere(table, (patient) => isHeldOut(split, patient)))),
})

/** Each row counts once; with the patient as the unit each patient does: a row weighs 1 / rows of its patient. */
export const weighted = ({ cells, patients }: PatientRows, unit: 'row' | 'patient'): WeightedRows => {
  if (unit === 'row') return { cells }
  const rows = new Map<string, number>()
  for (const patient of patients) rows.set(patient, (rows.get(patient) ?? 0) + 1)
  return { cells, weights: Float64Array.from(patients, (patient) => 1 / (rows.get(patient) ?? 1)) }
}

/**
 * Writes each hospital's training rows of a split, line for line, as FOLDER/NAME.csv; returns `NAME=PATH` for each. Patients'
 * rows: the caller removes the folder, and one inside the repository is refused.
 */
export const writeTraining = (hospitals: readonly HospitalTable[], split: number, folder: string): string[] => {
  if (!relative(root, resolve(folder)).startsWith('..')) throw new Error(`${folder} is inside the repository`)
  return hospitals.map(({ name, header, lines, patients }) => {
    const path = join(folder, `${name}.csv`)
    const training = lines.filter((_, row) => !isHeldOut(split, patients[row]!))
    writeFileSync(path, `${[header, ...training].join('\n')}\n`, { mode: 0o600 })
    return `${name}=${path}`
  })
}
