import { columnsOf } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { openTable, type SourceDescription } from '../table/open-table.ts'
import { BatchEncoder } from './batch-encoder.ts'
import type { BrokenRules } from './broken-rules.ts'
import type { ColumnProfile } from './column-profile.ts'
import { PatientIndex } from './patient-index.ts'
import { brokenLines, type Problem, problem } from './problem.ts'

/** What of a study describes the records. `site`: this hospital's name, for a study with a site column. */
export type RecordsSpec = Pick<Manifest, 'columns' | 'privacy' | 'source'> & { readonly site?: string }

/** Rows that are kept, row-major codes, and the patient number of each; without a patient key every row is a patient. */
export type RowSink = (codes: Uint16Array, patients: Uint32Array) => void

/** A patient's number and key, when their first row is read: numbers count up from 0. The key must not be kept. */
export type PatientSink = (patient: number, key: string) => void

export interface PassResult {
  readonly rows: number
  readonly patients: number
  readonly problems: readonly Problem[]
}

/**
 * Reads a source once, encodes it and hands on the rows that count. Left out, and said so in `problems`: rows without a patient
 * key (R19), a patient's rows beyond the declared most for unit row (R17: the ledger is charged for that many; the first ones in
 * file order stay, so one patient's rows never decide about another's), lines that do not fit the table. `profiles`, `rules`: filled on
 * the way, of the columns that are read. Throws what `openTable` throws. Time grows with the cells, memory with the patients.
 */
export const passOver = async (
  spec: RecordsSpec,
  source: SourceDescription,
  sink: RowSink,
  onPatient: PatientSink = () => {},
  profiles: readonly ColumnProfile[] = [],
  rules?: BrokenRules,
): Promise<PassResult> => {
  const { unit, patient_key: key, most_rows_per_patient: most } = spec.privacy
  const columns = columnsOf(spec, source)
  const encoder = new BatchEncoder(columns, spec.site)
  const names = encoder.read.map(({ name }) => name)
  const table = openTable(source, [...names, ...(key === undefined ? [] : [key])])
  const index = new PatientIndex(source.missing)
  const mostRows = unit === 'row' ? (most ?? 1) : Number.POSITIVE_INFINITY
  const left = { keyless: 0, firstKeyless: 0, surplus: 0 }
  let rows = 0
  let read = 0
  for await (const batch of table) {
    const codes = encoder.encode(batch)
    profiles.forEach((profile, i) => profile.add(batch.column(i)))
    rules?.add(batch)
    const keys = key === undefined ? undefined : batch.column(names.length)
    const patients = new Uint32Array(batch.rows)
    let kept = 0
    for (let row = 0; row < batch.rows; row++) {
      const known = index.patients
      const patient = keys === undefined ? rows + row : index.numberOf(keys[row]!)
      if (index.patients > known) onPatient(patient, keys?.[row] ?? '')
      if (patient < 0) {
        if (left.keyless++ === 0) left.firstKeyless = read + row + 1
      } else if (keys !== undefined && index.countRow(patient) > mostRows) left.surplus++
      else {
        if (kept < row) codes.copyWithin(kept * columns.length, row * columns.length, (row + 1) * columns.length)
        patients[kept++] = patient
      }
    }
    sink(codes.subarray(0, kept * columns.length), patients.subarray(0, kept))
    rows += kept
    read += batch.rows
  }
  const patients = key === undefined ? rows : index.patients
  index.clear()
  const problems = [
    ...encoder.problems(),
    ...(left.keyless > 0 ? [problem('no patient key', left.keyless, key, left.firstKeyless)] : []),
    ...(index.severallyWritten > 0 ? [problem('key written in several ways', index.severallyWritten, key)] : []),
    ...(left.surplus > 0 ? [problem('surplus rows', left.surplus, key)] : []),
    ...brokenLines(table.rejected()),
    ...(rows === 0 ? [problem('no rows', 0)] : []),
  ]
  return { rows, patients, problems }
}
