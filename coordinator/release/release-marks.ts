import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csvwSyntheticType } from '@tributary/shared/synthetic-mark'
import * as z from 'zod'
import { fileNames } from './file-names.ts'
import { parquetMarksProblem } from './parquet-marks.ts'
import type { ReleaseManifest } from './release-schema.ts'

const csvwSchema = z.object({ 'dc:type': z.literal(csvwSyntheticType), 'dc:identifier': z.string() })
const statementSchema = z.object({ synthetic: z.literal(true), release: z.string() })

/** What is wrong with a file's mark, null, or undefined for a file that needs none; the CSV's rows are looked at while it is hashed (`CsvMarks`). */
export const marksProblem = async (
  folder: string,
  name: string,
  release: ReleaseManifest,
): Promise<string | null | undefined> => {
  const path = join(folder, name)
  switch (name) {
    case fileNames.parquet:
      return parquetMarksProblem(path, release).catch(() => 'no readable Parquet file')
    case fileNames.csvMetadata:
      return documentProblem(path, release, (value) => csvwSchema.safeParse(value).data?.['dc:identifier'])
    case fileNames.release:
    case fileNames.privacy:
    case fileNames.report:
      return documentProblem(path, release, (value) => statementSchema.safeParse(value).data?.release)
    case fileNames.reportPage:
      return pageProblem(await readFile(path, 'utf8'), release)
    default:
      return undefined
  }
}

const documentProblem = async (
  path: string,
  { release }: ReleaseManifest,
  idOf: (value: unknown) => string | undefined,
): Promise<string | null> => {
  let id: string | undefined
  try {
    id = idOf(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return 'no JSON'
  }
  if (id === undefined) return 'does not say that it is synthetic'
  return id === release ? null : 'names another release'
}

const pageProblem = (page: string, { release }: ReleaseManifest): string | null =>
  /synthetic/i.test(page) && page.includes(release) ? null : 'does not say that it is synthetic, or of which release'
