import { parentPort, workerData } from 'node:worker_threads'
import { CodedError } from '@tributary/shared/errors'
import { systemClock } from '@tributary/shared/system/clock'
import { roundsPath, studiesPath } from '../data-paths.ts'
import { openFederation } from '../enrolment/federation-directory.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { StudyStore } from '../studies/study-store.ts'
import type { CohortWork } from './cohort-work.ts'
import { modelWork } from './model-work.ts'
import { serveTasks } from './serve-tasks.ts'
import { StudyShelf } from './study-shelf.ts'

/* The thread behind a `CohortThread`: its own handles on the data directory that `workerData` names. */
const open = async ({ dataDir }: { readonly dataDir: string }): Promise<CohortWork> => {
  const { federation, identity } = await openFederation(dataDir, systemClock)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  return modelWork({ dataDir, shelf: new StudyShelf(dataDir, studies, rounds), federation, signer: identity })
}

if (parentPort === null) throw new CodedError('INTERNAL', 'this file is a worker thread')
serveTasks(parentPort, open(workerData))
