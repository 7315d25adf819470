import { join } from 'node:path'

/** Where things lie inside a data directory. */
export const studiesPath = (dataDir: string): string => join(dataDir, 'studies.sqlite')
export const roundsPath = (dataDir: string): string => join(dataDir, 'rounds.sqlite')
export const disputesPath = (dataDir: string): string => join(dataDir, 'disputes.sqlite')
export const releaseFolder = (dataDir: string, release: string): string => join(dataDir, 'releases', release)
