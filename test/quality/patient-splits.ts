import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Manifest } from '@tributary/shared/study/manifest'
import { root } from '../harness/sources.ts'
import type { HospitalTable, PatientRows } from './hospital-table.ts'
import type { WeightedRows } from './pairwise-distance.ts'

export interface Split {
  /** One table for each hospital, in their order. */
  readonly train: readonly PatientRows[]
  /** All hospitals' held-out rows. */
  readonly heldOut: PatientRows
}

const most = 5

/** The patients of a split that no model of it sees: about one in five. */
export const isHeldOut = (split: number, patient: string): boolean =>
  Number.parseInt(createHash('sha256').update(`${split}|${patient}`).digest('hex').slice(0, 8), 16) % most === 0

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

export type Unit = Manifest['privacy']['unit']

/** Each row counts once; with the patient as the unit each patient does: a row weighs 1 / rows of its patient. */
export const weighted = ({ cells, patients }: PatientRows, unit: Unit): WeightedRows => {
  if (unit === 'row') return { cells }
  const rows = new Map<string, number>()
  for (const patient of patients) rows.set(patient, (rows.get(patient) ?? 0) + 1)
  return { cells, weights: Float64Array.from(patients, (patient) => 1 / (rows.get(patient) ?? 1)) }
}

/** How many there are of what the study protects. */
export const unitsOf = ({ patients }: Pick<PatientRows, 'patients'>, unit: Unit): number =>
  unit === 'row' ? patients.length : new Set(patients).size

/**
 * Writes each hospital's training rows of a split, line for line, as FOLDER/NAME.csv; returns `NAME=PATH` for each. Patients'
 * rows: the caller removes the folder, and one inside the repository is refused.
 */
export const writeTraining = (hospitals: readonly HospitalTable[], split: number, folder: string): string[] => {
  if (!relative(root, resolve(folder)).startsWith('..')) throw new Error(`${folder} is inside the repository`)
  return hospitals.map(({ name, header, lines, patients }) => {
    const path = join(folder, `${name}.csv`)
    const training = lines.filter((_, row) => !isHeldOut(split, patients[row]!))
    const written = header === null ? training : [header, ...training]
    writeFileSync(path, `${written.join('\n')}\n`, { mode: 0o600 })
    return `${name}=${path}`
  })
}
