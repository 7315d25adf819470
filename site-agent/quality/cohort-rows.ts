import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { createGunzip } from 'node:zlib'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import type { CodedError, Place } from '@tributary/shared/errors'
import { columnsOf, encodeCell } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { csvRecords } from './csv-records.ts'

const hint = 'Give a cohort of this very study, as `tributary download` writes it.'

const refused = (path: string, why: string, place: Place = {}): CodedError =>
  new HintedError('TABLE_INVALID', `this is no cohort of the study: ${why}`, hint, {
    place: { file: basename(path), ...place },
  })

/**
 * A cohort's rows as codes of the study's columns, row-major: for comparing alone. Training reads tables elsewhere, which refuses such
 * rows. Other columns, the mark among them, are passed over. Throws `TABLE_INVALID` naming line and column, never a value. Two bytes a cell.
 */
export const cohortRows = async (study: Pick<Manifest, 'columns' | 'source'>, path: string): Promise<Uint16Array> => {
  const columns = columnsOf(study)
  let places: readonly number[] | undefined
  let codes = new Uint16Array(1 << 16)
  let used = 0
  let line = 0
  for await (const fields of csvRecords(textOf(path))) {
    line++
    if (fields === null) throw refused(path, 'a quote is never closed')
    if (places === undefined) {
      places = columns.map(({ name }) => {
        const at = fields.indexOf(name)
        if (at < 0) throw refused(path, 'column missing', { column: name })
        return at
      })
      continue
    }
    if (used + columns.length > codes.length) {
      const larger = new Uint16Array(2 * codes.length + columns.length)
      larger.set(codes.subarray(0, used))
      codes = larger
    }
    for (const [j, column] of columns.entries()) {
      const code = encodeCell(column, fields[places[j]!] ?? null)
      if (code < 0) throw refused(path, 'a value that the study does not have', { line, column: column.name })
      codes[used++] = code
    }
  }
  if (used === 0) throw refused(path, 'no rows')
  return codes.slice(0, used)
}

async function* textOf(path: string): AsyncIterable<string> {
  const bytes = createReadStream(path)
  const stream = path.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes
  try {
    for await (const piece of stream.setEncoding('utf8')) yield piece as string
  } catch {
    throw refused(path, 'it cannot be read')
  } finally {
    bytes.destroy()
  }
}
