import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { studyId } from '@tributary/shared/ids'
import type { RequestFacts } from '../../coordinator/requests/request-state.ts'

/** A cohort worker that takes its time between the files of a release. */
export const slowWorker = new URL('slow-cohort-worker.ts', import.meta.url)

export const toyStudy = studyId('ab'.repeat(32))

export const requestFacts = (number: number, changed: Partial<RequestFacts> = {}): RequestFacts => ({
  id: `req-${number}`,
  release: `rel-${number}`,
  user: 'ada',
  study: toyStudy,
  generator: 'toy',
  rows: 1000,
  seed: 7,
  where: null,
  formats: ['csv'],
  purpose: 'a test',
  created: 1_800_000_000_000 + number,
  ...changed,
})

/** Every file below a folder, by name. */
export const filesBelow = (folder: string): Record<string, string> => {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    names.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'latin1')]),
  )
}
