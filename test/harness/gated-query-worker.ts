import { parentPort, workerData } from 'node:worker_threads'

/* A query worker that stops, whole, before it loads its table and before each order, until the gate is opened: work of any length. */
const { gate } = workerData as { readonly gate: Int32Array }
const hold = () => {
  Atomics.store(gate, 0, 1)
  Atomics.wait(gate, 0, 1)
}
hold()
// Before the worker's own listener, which then finds the order as if nothing had been.
parentPort?.on('message', hold)
await import('../../site-agent/contribution/query-worker.ts')
