import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { CodedError } from '@tributary/shared/errors'
import { serveTasks } from '../../coordinator/requests/serve-tasks.ts'
import { toyCohortWork } from './toy-cohort-work.ts'

/* A worker thread that cannot open its data directory while a file `fault` lies there. */
const open = async () => {
  if (existsSync(join(workerData.dataDir, 'fault')))
    throw new CodedError('NOT_FOUND', `no keys in ${workerData.dataDir}`, { place: { file: 'identity.pem' } })
  return toyCohortWork(workerData.dataDir)
}
if (parentPort !== null) serveTasks(parentPort, open())
