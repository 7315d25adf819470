import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** The names in a folder reach the disk only by this; syncing a file does not do it. */
export const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/**
 * Creates a folder for its owner alone (mode 0700) with what is missing above it, durable on return: else a power cut may take a
 * new folder together with everything that was synced inside it.
 */
export const makeFolder = (folder: string): void => {
  const path = resolve(folder)
  const first = mkdirSync(path, { recursive: true, mode: 0o700 })
  // Also when it was there: whoever made it may have been killed before this.
  syncFolder(dirname(path))
  for (let made = path; first !== undefined && made.length > first.length; ) {
    made = dirname(made)
    syncFolder(dirname(made))
  }
}
