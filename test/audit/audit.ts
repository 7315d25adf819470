/*
 * The one-run canary audit of the real pipeline: claimed epsilon beside a lower bound from guessing who was in the table.
 *
 *   npm run -s audit -- [--json] [--canaries 8192]
 *
 * Exits 1 when a claim is refused; a correct build is refused in fewer than one run of 70,000. Randomness is the operating system's.
 */
import { parseArgs } from 'node:util'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { loadEngine } from '@tributary/shared/tensor/engine'
import { machine, machineText } from '../quality/machine.ts'
import { auditText, runAudit } from './audit-run.ts'

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, canaries: { type: 'string', default: '8192' } },
})
const canaries = Number(options.canaries)
if (!Number.isInteger(canaries) || canaries < 256 || canaries > 16_384)
  throw new Error('--canaries is a whole number from 256 to 16,384')

const where = machine()
const started = performance.now()
const lines = await runAudit(canaries, await loadEngine(), osRandomStreams()('sampling'))
const seconds = (performance.now() - started) / 1000
const passed = lines.every(({ refuted }) => refuted.length === 0)
if (options.json) console.log(JSON.stringify({ machine: where, seconds, passed, lines }))
else console.log([machineText(where), '', ...auditText(lines), '', `${seconds.toFixed(1)} s`].join('\n'))
if (!passed) process.exitCode = 1
