import { appendFileSync } from 'node:fs'
import { systemClock } from '@tributary/shared/system/clock'
import pino from 'pino'
import { openRoundSum } from '../../coordinator/aggregate/open-round.ts'
import { runCoordinator } from '../../coordinator/coordinator.ts'

/*
 * A coordinator for fault tests, as a process of its own: the product's, but every opened sum is written to SUMS in grid steps
 * before it is applied, one JSON line each, so that a test can count who was counted.
 *
 *   node --conditions=source test/harness/fault-coordinator.ts DATA_DIR LISTEN SUMS
 */
const [dataDir = '', listen = '', sums = ''] = process.argv.slice(2)
const log = pino({ level: 'debug' }, pino.destination(2))
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

const openRound: typeof openRoundSum = async (parts, published, state) => {
  const opened = await openRoundSum(parts, published, state)
  const step = published.manifest.plan.queries[state.query]?.grid.step ?? 1
  const sites = published.manifest.sites.length
  const counts = Array.from(opened.sum.values.subarray(0, sites), (value) => Math.round(value / step))
  const others = opened.sum.values.subarray(sites).some((value) => value !== 0)
  appendFileSync(sums, `${JSON.stringify({ step: state.step, attempt: state.attempt, counts, others })}\n`)
  return opened
}

await runCoordinator(
  dataDir,
  { clock: systemClock, log, listen, openRound },
  (address) => process.stdout.write(`${JSON.stringify({ event: 'listening', address })}\n`),
  stop.signal,
)
