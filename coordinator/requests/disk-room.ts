import { statfs } from 'node:fs/promises'
import type { GeneratorDetail } from '../api/schemas.ts'
import type { RequestFacts } from './request-state.ts'

/** What stays free on the disk whatever researchers ask for: the coordinator's own stores write there too. */
export const floorBytes = 256 * 2 ** 20

/** The release's id that every row carries, and the end of the line. */
const markBytes = 32

/** The longest cell of a column as text, in bytes of UTF-8; numbers with their fraction. */
const widestCell = (column: GeneratorDetail['columns'][number]): number => {
  if (column.kind === 'categorical') return widest(column.levels) + 2
  if (column.kind === 'date') return column.to.length
  return widest([column.maximum, ...column.bins].map(String)) + (column.integer ? 0 : 8)
}

const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, Buffer.byteLength(text)), 0)

/** About the most that a release takes on the disk: as if every cell were the widest of its column, in every format. */
export const estimatedBytes = (
  { columns }: Pick<GeneratorDetail, 'columns'>,
  { rows, formats }: Pick<RequestFacts, 'rows' | 'formats'>,
): number => rows * formats.length * columns.reduce((bytes, column) => bytes + widestCell(column) + 1, markBytes)

/** Bytes that this process may still write under `folder`. */
export const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
