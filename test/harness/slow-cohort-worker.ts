import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { serveTasks } from '../../coordinator/requests/serve-tasks.ts'
import { toyCohortWork } from './toy-cohort-work.ts'

/* A worker thread that takes its time between the files of a release, so that a test can kill it in the middle. */
if (parentPort !== null) serveTasks(parentPort, Promise.resolve(toyCohortWork(workerData.dataDir, () => wait(40))))
