import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CodedError } from '../errors.ts'
import { makeFolder, syncFolder } from '../store/durable-folder.ts'
import { HintedError } from './hinted-error.ts'

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

/**
 * Writes several private files into a folder that must not exist yet: all of them or none. Throws ALREADY_EXISTS, and never advises
 * to take away what is there: keys that others know, or that sealed something, cannot be made again.
 */
export const writePrivateFolder = (folder: string, files: Readonly<Record<string, string | Uint8Array>>): void => {
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  makeFolder(partial)
  for (const [name, contents] of Object.entries(files)) writePrivateFile(join(partial, name), contents)
  try {
    renameSync(partial, folder)
  } catch (cause) {
    rmSync(partial, { recursive: true, force: true })
    if (!existsSync(folder)) throw cause
    const hint = 'Go on with what is there: it is never written over. For a new one, name another data directory.'
    throw new HintedError('ALREADY_EXISTS', `${folder} exists already`, hint, { cause })
  }
  syncFolder(dirname(folder))
}

const unreadable: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder',
  ENOTDIR: 'what should be a folder on the way to it is a file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
}

/** Why a file that exists cannot be read, in words; undefined for one that does not exist. */
export const whyUnreadable = (cause: unknown): string | undefined => {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown'
  return code === 'ENOENT' ? undefined : (unreadable[code] ?? `the system says ${code}`)
}

/** Reads a file of this data directory; NOT_FOUND says which command makes it, or why the one that is there cannot be read. */
export const readPrivateFile = (path: string, madeBy: string): Buffer<ArrayBuffer> => {
  try {
    return Buffer.from(readFileSync(path))
  } catch (cause) {
    const why = whyUnreadable(cause)
    if (why === undefined) throw new CodedError('NOT_FOUND', `no ${path}: run \`${madeBy}\` first`, { cause })
    const hint =
      'Run this as the user who owns the data directory, and give that user back what is named here. Make nothing anew.'
    throw new HintedError('NOT_FOUND', `${path} cannot be read: ${why}`, hint, { cause })
  }
}
