import { realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import type { Source } from '@tributary/shared/study/study-schema'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { isGzip, isParquet, readFileStart, unzippedStart } from './file-start.ts'
import { areMarkedRecords, leadingRecords } from './leading-records.ts'
import { isMarkedParquet } from './parquet-footer.ts'
import { markedSidecar, releaseDocument } from './synthetic-neighbour.ts'
import { tableInvalid } from './table-error.ts'

const refused = (path: string, why: string): CodedError =>
  new CodedError('SYNTHETIC_SOURCE_REFUSED', why, { place: { file: basename(path) } })

/**
 * Refuses rows that a release gave out: a generator trained on its own rows forgets the patients (Shumailov et al. 2024). Each
 * rule stands alone, so that a file renamed, zipped, linked or stripped of its header or of what lay beside it is still known:
 * the mark column in its header; a mark in each of its first rows; a CSVW document beside it that says synthetic; the keys or the
 * column in a Parquet footer; a Tributary release.json or attestation in its folder or up to four above. Throws `SYNTHETIC_SOURCE_REFUSED` naming the rule,
 * `TABLE_INVALID` for any other Parquet file, `SOURCE_MISSING`, `CONFIG_INVALID`. Reads the first megabyte.
 */
export const refuseMarked = async (path: string): Promise<void> => {
  const start = readFileStart(path)
  if (isParquet(start)) {
    if (await isMarkedParquet(path)) throw refused(path, 'its Parquet footer says that the rows are synthetic')
    throw tableInvalid(path, 'parquet')
  }
  const records = leadingRecords(decoded(isGzip(start) ? unzippedOrNothing(path, start) : start))
  if (isMarkInHeader(records[0]?.text ?? ''))
    throw refused(path, `its header has the column ${markColumn}, which marks the rows of a release`)
  if (areMarkedRecords(records)) throw refused(path, 'its first rows carry the mark of a release, a cohort or a probe')
  for (const place of new Set([path, realpathSync(path)])) {
    const sidecar = markedSidecar(place)
    if (sidecar !== undefined) throw refused(path, `${sidecar} beside it says that the rows are synthetic`)
    const document = releaseDocument(place)
    if (document !== undefined) throw refused(path, `it lies in a Tributary release: ${document} is beside or above it`)
  }
}

/** For a file without a header: a study or a site that names the mark column says itself what the rows are. */
export const refuseMarkedNames = ({ columns, path }: Source & { readonly path: string }): void => {
  if (columns?.some((name) => name.trim().toLowerCase() === markColumn))
    throw refused(path, `its columns are said to include ${markColumn}, which marks the rows of a release`)
}

/** Whatever the delimiter: no other name's letters may touch it. */
const isMarkInHeader = (header: string): boolean =>
  new RegExp(`(?<![a-z0-9_])${markColumn}(?![a-z0-9_])`, 'i').test(header)

/** A damaged gzip file is the table reader's to report. */
const unzippedOrNothing = (path: string, start: Uint8Array): Uint8Array => {
  try {
    return unzippedStart(path, start)
  } catch {
    return new Uint8Array(0)
  }
}

const decoded = (bytes: Uint8Array): string => {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  return new TextDecoder('utf-8').decode(bytes)
}
