import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { columnsOf, encodeCell } from '@tributary/shared/schema/column'
import type { StudyDraft } from '@tributary/shared/study/manifest'

/**
 * A written cohort as codes. It must hold exactly the study's columns and the mark, and every cell a level or number of its column: throws
 * the line and column of the first that does not.
 */
export const readCohort = async (path: string, study: Pick<StudyDraft, 'columns' | 'source'>): Promise<Uint16Array> => {
  const columns = columnsOf(study)
  const codes: number[] = []
  let line = 0
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line++
    const fields = text.split(',')
    if (line === 1) {
      if (text !== [...columns.map(({ name }) => name), markColumn].join(','))
        throw new Error(`${path}: other columns than the study's`)
      continue
    }
    if (fields.length !== columns.length + 1 || text.includes('"'))
      throw new Error(`${path}:${line} is not a plain line`)
    columns.forEach((column, j) => {
      const code = encodeCell(column, fields[j] ?? null)
      if (code < 0) throw new Error(`${path}:${line}: no value of ${column.name}`)
      codes.push(code)
    })
  }
  return Uint16Array.from(codes)
}
