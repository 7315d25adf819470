import { digitalSourceType, markColumn, parquetMarks } from '@tributary/shared/synthetic-mark'
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet'
import type { ReleaseManifest } from './release-schema.ts'

/**
 * What is wrong with the marks of a release's Parquet file, or null: the footer's keys, the last column, and its value in every
 * row. Reads the footer and that one column, a row group at a time.
 */
export const parquetMarksProblem = async (path: string, release: ReleaseManifest): Promise<string | null> => {
  const releaseId = release.release
  const { rows } = release.data
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const keys = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]))
  const expected = [
    [parquetMarks.synthetic, 'true'],
    [parquetMarks.release, releaseId],
    [parquetMarks.generator, release.study.name],
    [parquetMarks.sourceType, digitalSourceType],
    // Releases made before there was one say none.
    [parquetMarks.order, release.request.order_sha256],
  ] as const
  for (const [key, value] of expected) if (keys.get(key) !== value) return `its footer does not say ${key}`
  if (metadata.schema.at(-1)?.name !== markColumn) return `its last column is not ${markColumn}`
  if (metadata.num_rows !== BigInt(rows)) return `${metadata.num_rows} rows where the release says ${rows}`
  let rowStart = 0
  let marked = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const onChunk = ({ columnData }: { columnData: ArrayLike<unknown> }) => {
      for (let row = 0; row < columnData.length; row++) if (columnData[row] === releaseId) marked++
    }
    await parquetRead({ file, metadata, columns: [markColumn], rowStart, rowEnd, onChunk })
    rowStart = rowEnd
  }
  return marked === rows ? null : `${rows - marked} rows do not carry the release's id`
}
