import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { readImage, type SqliteImage, writeImage } from './sqlite-images.ts'

/** A folder with its SQLite files, each with its log, and its plain files, by path inside it. */
export interface FolderImage {
  readonly databases: ReadonlyMap<string, SqliteImage>
  readonly files: ReadonlyMap<string, Uint8Array>
}

const isDatabase = (path: string): boolean => /\.(db|sqlite)$/.test(path)
const isBeside = (path: string): boolean => /\.(db|sqlite)-(wal|shm|journal)$/.test(path)

export const readFolder = (folder: string): FolderImage => {
  const databases = new Map<string, SqliteImage>()
  const files = new Map<string, Uint8Array>()
  if (!existsSync(folder)) return { databases, files }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length + 1)
    if (!entry.isFile() || isBeside(name)) continue
    if (isDatabase(name)) databases.set(name, readImage(path))
    else files.set(name, new Uint8Array(readFileSync(path)))
  }
  return { databases, files }
}

/** Replaces what is there. */
export const writeFolder = (folder: string, { databases, files }: FolderImage): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const placed = (name: string): string => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    return join(folder, name)
  }
  for (const [name, image] of databases) writeImage(placed(name), image)
  for (const [name, bytes] of files) writeFileSync(placed(name), bytes)
}

export const folderHash = ({ databases, files }: FolderImage): string =>
  [
    ...[...databases].map(([name, { database, log }]) => `${name} ${hashBytes(database)} ${hashBytes(log)}`),
    ...[...files].map(([name, bytes]) => `${name} ${hashBytes(bytes)}`),
  ]
    .toSorted()
    .join('\n')

/** The folder with one file changed; null: gone. */
export const withFile = (image: FolderImage, name: string, bytes: Uint8Array | null): FolderImage => {
  const files = new Map(image.files)
  if (bytes === null) files.delete(name)
  else files.set(name, bytes)
  return { ...image, files }
}

export const withDatabase = (image: FolderImage, name: string, database: SqliteImage): FolderImage => ({
  ...image,
  databases: new Map(image.databases).set(name, database),
})

/** The folder without anything below `inside`. */
export const withoutFolder = ({ databases, files }: FolderImage, inside: string): FolderImage => {
  const outside = ([name]: readonly [string, unknown]): boolean => !name.startsWith(`${inside}/`)
  return { databases: new Map([...databases].filter(outside)), files: new Map([...files].filter(outside)) }
}
