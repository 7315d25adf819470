import { parentPort, workerData } from 'node:worker_threads'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { CodedError } from '@tributary/shared/errors'
import { errorMessage } from '@tributary/shared/system/thread-error'
import { loadEngine } from '@tributary/shared/tensor/engine'
import { openHoldout } from '../records/holdout.ts'
import { loadParted, loadRecords } from '../records/load-records.ts'
import { integersOf } from './contribution.ts'
import { executeQuery } from './plan.ts'
import type { OrderMessage, ReplyMessage, ThreadStudy } from './query-messages.ts'

/* The thread behind a `QueryThread`: holds one study's records, samples, clips, rounds and noises; only integers come out. */
if (parentPort === null) throw new CodedError('INTERNAL', 'this file is a worker thread')
const port = parentPort
const { manifest, site, source, holdout } = workerData as ThreadStudy
const reply = (message: ReplyMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

/** What a query is executed on: a study with an evaluation has its held-out patients apart (R22). */
const load = async () => {
  if (manifest.evaluation === undefined) return { records: (await loadRecords({ ...manifest, site }, source)).records }
  if (holdout === undefined) throw new CodedError('INTERNAL', 'an evaluation needs a holdout')
  const { training, heldOut } = await loadParted({ ...manifest, site }, source, openHoldout(holdout, false))
  return { records: training, heldOut }
}

const opening = Promise.all([loadEngine(), load()])
opening.then(
  ([{ name, description }]) => reply({ kind: 'loaded', engine: { name, description } }),
  (thrown: unknown) => {
    port.removeAllListeners('message')
    reply({ kind: 'unloaded', error: errorMessage(thrown) })
    port.close()
  },
)

const serve = async ({ id, queryIndex, parameters }: OrderMessage): Promise<void> => {
  const [engine, parts] = await opening
  try {
    // New operating-system keys for every attempt, in the thread that uses them (R5, R16).
    const streams = osRandomStreams()
    const contribution = await executeQuery({ manifest, site, queryIndex, parameters, ...parts, engine, streams })
    const { kind, dimension } = contribution
    const integers = integersOf(contribution)
    reply({ kind: 'integers', id, query: { kind, dimension }, integers }, [integers.buffer as ArrayBuffer])
  } catch (thrown) {
    reply({ kind: 'error', id, error: errorMessage(thrown) })
  }
}

let last: Promise<unknown> = opening
port.on('message', (order: OrderMessage) => {
  last = last.then(
    () => serve(order),
    () => {}, // the thread is ending
  )
})
