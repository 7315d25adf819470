import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CodedError } from '../errors.ts'
import { makeFolder, syncFolder } from '../store/durable-folder.ts'

/** Writes a file that its owner alone may read (mode 0600), whole or not at all, and durable on return. Replaces one. */
export const writePrivateFile = (path: string, contents: string | Uint8Array): void => {
  makeFolder(dirname(path))
  const partial = `${path}.partial`
  rmSync(partial, { force: true }) // a file left by a crash may have another mode
  const handle = openSync(partial, 'wx', 0o600)
  try {
    const bytes = Buffer.from(contents)
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(partial, path)
  syncFolder(dirname(path))
}

/** A secret as a command's answer holds it: printed once, or left in a private file, so that no terminal or log keeps it. */
export const secretField = (
  name: string,
  secret: string,
  file: string | undefined,
): Readonly<Record<string, string>> => {
  if (file === undefined) return { [name]: secret }
  writePrivateFile(file, `${secret}\n`)
  return { [`${name}_file`]: file }
}

/** Writes several private files into a folder that must not exist yet: all of them or none. Throws ALREADY_EXISTS. */
export const writePrivateFolder = (folder: string, files: Readonly<Record<string, string | Uint8Array>>): void => {
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  makeFolder(partial)
  for (const [name, contents] of Object.entries(files)) writePrivateFile(join(partial, name), contents)
  try {
    renameSync(partial, folder)
  } catch (cause) {
    rmSync(partial, { recursive: true, force: true })
    throw new CodedError('ALREADY_EXISTS', `${folder} exists already`, { cause })
  }
  syncFolder(dirname(folder))
}

/** Reads a file of this data directory; NOT_FOUND says which command makes it. */
export const readPrivateFile = (path: string, madeBy: string): Buffer<ArrayBuffer> => {
  try {
    return Buffer.from(readFileSync(path))
  } catch (cause) {
    throw new CodedError('NOT_FOUND', `no readable ${path}: run \`${madeBy}\` first`, { cause })
  }
}
