import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { columnsOf, encodeAnyCell } from '@tributary/shared/schema/column'
import type { StudyDraft } from '@tributary/shared/study/manifest'

/** Codes row-major in the study's columns, and the patient of each row. */
export interface PatientRows {
  readonly cells: Uint16Array
  readonly patients: readonly string[]
}

/** One hospital's file: `lines[r]` is the text that `cells` row r was read from; `header` is null where the file has none. */
export interface HospitalTable extends PatientRows {
  readonly name: string
  readonly header: string | null
  readonly lines: readonly string[]
}

export type TableStudy = Pick<StudyDraft, 'columns' | 'source' | 'privacy'>

/**
 * One hospital's whole file, gzipped or not. Without a patient key every row is a patient of its own. Throws a line number and
 * never a value. The files have no quoted field; one that did is refused.
 */
export const readHospital = (study: TableStudy, name: string, path: string): HospitalTable => {
  if (!existsSync(path)) throw new Error(`NOT RUN: ${path} is missing (see SOURCE.txt in its folder)`)
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trimEnd()
  const all = text.split(/\r?\n/)
  const header = study.source.header ? (all[0] ?? '') : null
  const lines = header === null ? all : all.slice(1)
  const names = header === null ? (study.source.columns ?? []) : header.split(',')
  const place = (wanted: string) => {
    const at = names.indexOf(wanted)
    if (at < 0) throw new Error(`${path} has no column ${wanted}`)
    return at
  }
  const { patient_key: key } = study.privacy
  const keyAt = key === undefined ? null : place(key)
  const columns = columnsOf(study).map((column) => ({ column, at: place(column.name) }))
  const cells = new Uint16Array(lines.length * columns.length)
  const patients = lines.map((line, row) => {
    const fields = line.split(',')
    if (fields.length !== names.length || line.includes('"'))
      throw new Error(`${path}:${row + (header === null ? 1 : 2)} is not a plain line`)
    columns.forEach(({ column, at }, j) => {
      cells[row * columns.length + j] = encodeAnyCell(column, fields[at] ?? null)
    })
    return keyAt === null ? `${name}:${row}` : (fields[keyAt] ?? '')
  })
  return { name, header, lines, patients, cells }
}
