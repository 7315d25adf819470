import { columnsOf, encodeAnyCell } from '@tributary/shared/schema/column'
import type { StudyDraft } from '@tributary/shared/study/manifest'
import { fieldsOf, tableText } from './table-text.ts'

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

/** Names of a file's columns: of its first line, or without a header the study's; as many as its first line has fields. */
export const namesInFile = ({ source }: Pick<TableStudy, 'source'>, path: string): readonly string[] | null => {
  const line = tableText(path).split(/\r?\n/, 1)[0] ?? ''
  const first = fieldsOf(line, source.delimiter) ?? []
  if (source.header) return first
  return first.length === source.columns?.length ? source.columns : null
}

/** Names that a file must have: of the columns that are read from it, and of the patient key. */
export const namesWanted = ({ columns, privacy }: TableStudy): string[] => {
  const read = columns.filter((column) => !(column.kind === 'categorical' && column.filled_with === 'site'))
  const names = read.map(({ name }) => name)
  return privacy.patient_key === undefined ? names : [...names, privacy.patient_key]
}

export const hasColumns = (study: TableStudy, path: string): boolean => {
  const names = namesInFile(study, path)
  return names !== null && namesWanted(study).every((name) => names.includes(name))
}

/** Which rows of a file that holds several hospitals are this one's: by the text in one of its columns. */
export interface SiteRows {
  readonly column: string
  readonly isOwn: (text: string) => boolean
}

/**
 * One hospital's whole file, gzipped or not, or its rows of one. Without a patient key every row is a patient of its own. Throws a
 * line number and never a value; a field with a line break is refused.
 */
export const readHospital = (study: TableStudy, name: string, path: string, part?: SiteRows): HospitalTable => {
  const all = tableText(path).split(/\r?\n/)
  const header = study.source.header ? (all[0] ?? '') : null
  const { delimiter } = study.source
  const names = header === null ? (study.source.columns ?? []) : (fieldsOf(header, delimiter) ?? [])
  const place = (wanted: string) => {
    const at = names.indexOf(wanted)
    if (at < 0) throw new Error(`${path} has no column ${wanted}`)
    return at
  }
  const rows = header === null ? all : all.slice(1)
  const partAt = part === undefined ? 0 : place(part.column)
  const lines = part === undefined ? rows : rows.filter((line) => part.isOwn(fieldsOf(line, delimiter)?.[partAt] ?? ''))
  const { patient_key: key } = study.privacy
  const keyAt = key === undefined ? null : place(key)
  const columns = columnsOf(study).map((column) => {
    const isSite = column.kind === 'categorical' && column.filled_with === 'site'
    return { column, at: isSite ? null : place(column.name) }
  })
  const cells = new Uint16Array(lines.length * columns.length)
  const patients = lines.map((line, row) => {
    const fields = fieldsOf(line, delimiter)
    if (fields?.length !== names.length)
      throw new Error(`${path}:${row + (header === null ? 1 : 2)} is not a plain line`)
    columns.forEach(({ column, at }, j) => {
      cells[row * columns.length + j] = encodeAnyCell(column, at === null ? name : (fields[at] ?? null))
    })
    return keyAt === null ? `${name}:${row}` : (fields[keyAt] ?? '')
  })
  return { name, header, lines, patients, cells }
}
