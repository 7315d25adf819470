import { readdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { asCodedError } from '@tributary/shared/errors'
import { storeError } from '@tributary/shared/store/store-error'
import { releaseFolder } from '../data-paths.ts'
import type { RequestStore, StoredRequest } from './request-store.ts'

/** The folder of a release, and what was written of it so far. Nothing may be writing there. */
export const removeRelease = async (dataDir: string, release: string): Promise<void> => {
  const folder = releaseFolder(dataDir, release)
  try {
    for (const path of [`${folder}.part`, folder]) await rm(path, { recursive: true, force: true })
  } catch (thrown) {
    throw storeError(folder, thrown)
  }
}

/** Removes what a crash left of cancelled and deleted requests; folders of no request are left alone. */
export const sweepReleases = async (dataDir: string, store: RequestStore): Promise<void> => {
  const names = await readdir(dirname(releaseFolder(dataDir, 'any'))).catch(() => [])
  for (const release of new Set(names.map((name) => name.replace(/\.part$/, '')))) {
    const state = requestOf(store, release)?.progress.state
    if (state === 'cancelled' || state === 'deleted') await removeRelease(dataDir, release)
  }
}

const requestOf = (store: RequestStore, release: string): StoredRequest | undefined => {
  try {
    return store.requestOfRelease(release)
  } catch (thrown) {
    if (asCodedError(thrown).code === 'NOT_FOUND') return undefined
    throw thrown
  }
}
