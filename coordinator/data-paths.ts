import { join } from 'node:path'

/** Where the stores lie inside a data directory. */
export const studiesPath = (dataDir: string): string => join(dataDir, 'studies.sqlite')
export const roundsPath = (dataDir: string): string => join(dataDir, 'rounds.sqlite')
