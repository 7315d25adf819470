import type { SourceDescription } from '../table/open-table.ts'
import { EncodedRecords, groupByPatient } from './encoded-records.ts'
import { GrowingArray } from './growing-array.ts'
import { type PartedRecords, partRecords } from './held-out-part.ts'
import type { Holdout } from './holdout.ts'
import type { Problem } from './problem.ts'
import { passOver, type PatientSink, type RecordsSpec } from './source-pass.ts'

/** `problems` are for eyes inside the hospital. */
export interface LoadedRecords {
  readonly records: EncodedRecords
  readonly problems: readonly Problem[]
}

/**
 * Reads an approved study's table into memory. Refused cells take their declared fallback; rows without a key, surplus rows
 * and lines that do not fit the table are left out (R10). A quote that is never closed makes one such line of itself and of rows
 * that follow, however many. What still stops the reading, wherever it stands in the file: line ends of several kinds, an open
 * quote that looks like them, a damaged gzip; and no such file or column. Throws `SOURCE_MISSING`, `CONFIG_INVALID` or
 * `TABLE_INVALID`. Two bytes a cell, twice that while grouping; 1 million rows of 20
 * columns take some 8 s and 430 MB, DuckDB's included.
 */
export const loadRecords = async (
  spec: RecordsSpec,
  source: SourceDescription,
  onPatient?: PatientSink,
): Promise<LoadedRecords> => {
  const codes = new GrowingArray<Uint16Array>((length) => new Uint16Array(length))
  const patients = new GrowingArray<Uint32Array>((length) => new Uint32Array(length))
  const isGrouped = spec.privacy.unit === 'patient'
  const take = (batch: Uint16Array, numbers: Uint32Array) => {
    codes.append(batch)
    if (isGrouped) patients.append(numbers)
  }
  const { problems } = await passOver(spec, source, take, onPatient)
  const columns = spec.columns.length
  const records = isGrouped
    ? groupByPatient(codes.view(), patients.view(), columns)
    : new EncodedRecords(columns, codes.view().slice(), null)
  return { records, problems }
}

/**
 * The same for a study with an evaluation, in two parts by `holdout` (R22). Throws like `loadRecords`. Memory: twice the table
 * for a moment.
 */
export const loadParted = async (
  spec: RecordsSpec,
  source: SourceDescription,
  holdout: Holdout,
): Promise<PartedRecords & Pick<LoadedRecords, 'problems'>> => {
  const isHeldOut = new GrowingArray<Uint8Array>((length) => new Uint8Array(length))
  const { records, problems } = await loadRecords(spec, source, (_, key) =>
    isHeldOut.append(Uint8Array.of(holdout.isHeldOut(key) ? 1 : 0)),
  )
  return { ...partRecords(records, isHeldOut.view()), problems }
}
