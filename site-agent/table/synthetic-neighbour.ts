import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { attestationType, csvwSuffix, csvwSyntheticType, digitalSourceType } from '@tributary/shared/synthetic-mark'

/** A document about a table is small; anything larger is something else. */
const mostBytes = 16 * 2 ** 20

/** A JSON document, or undefined where there is none. */
const documentAt = (path: string): unknown => {
  try {
    if (statSync(path).size > mostBytes) return undefined
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTrue = (value: unknown): boolean => value === true || String(value).toLowerCase() === 'true'
const isSyntheticType = (value: unknown): boolean => String(value).toLowerCase() === csvwSyntheticType.toLowerCase()

/** Whether a document says anywhere that what it describes is synthetic: by type, by property, by digital source type. */
const saysSynthetic = (document: unknown): boolean => {
  const waiting = [document]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (value === digitalSourceType) return true
    if (Array.isArray(value)) waiting.push(...value)
    if (!isRecord(value)) continue
    if ([value['dc:type']].flat().some(isSyntheticType) || isTrue(value.synthetic)) return true
    if (value['schema:name'] === 'synthetic' && isTrue(value['schema:value'])) return true
    waiting.push(...Object.values(value))
  }
  return false
}

/** Tables that a CSVW document describes. */
const tablesOf = (document: unknown): Readonly<Record<string, unknown>>[] =>
  isRecord(document) ? (Array.isArray(document.tables) ? document.tables.filter(isRecord) : [document]) : []

/**
 * The CSVW document (W3C, Model for Tabular Data, 2015, section 5) beside a table that says synthetic: `<file>-metadata.json`, for
 * `<file>.gz` as well, or the folder's csv-metadata.json where it names the file. Its name, or undefined.
 */
export const markedSidecar = (path: string): string | undefined => {
  const names = [...new Set([path, path.replace(/\.gz$/i, '')])]
  for (const name of names) {
    const sidecar = `${name}${csvwSuffix}`
    if (saysSynthetic(documentAt(sidecar))) return basename(sidecar)
  }
  const shared = join(dirname(path), 'csv-metadata.json')
  const isOurs = ({ url }: Readonly<Record<string, unknown>>) =>
    typeof url === 'string' && names.some((name) => basename(name) === basename(url))
  const tables = tablesOf(documentAt(shared)).filter(isOurs)
  return tables.some(saysSynthetic) ? basename(shared) : undefined
}

/** How far above a file's folder a release is looked for: a release's rows lie one below, copies sorted into folders deeper. */
const levelsUp = 4

/** The folder of a file and those above it, as far as there are any. */
const foldersOf = (path: string): ReadonlySet<string> => {
  const folders = new Set<string>()
  for (let folder = dirname(path), level = 0; level <= levelsUp; folder = dirname(folder), level++) folders.add(folder)
  return folders
}

/** A document of a Tributary release in the file's folder or up to four levels above: its name, or undefined. */
export const releaseDocument = (path: string): string | undefined => {
  for (const place of foldersOf(path)) {
    const release = documentAt(join(place, 'release.json'))
    if (isRecord(release) && String(release.tributary).startsWith('release/')) return 'release.json'
    const attestation = documentAt(join(place, 'attestation.dsse.json'))
    if (isRecord(attestation) && attestation.payloadType === attestationType) return 'attestation.dsse.json'
  }
  return undefined
}
