import { isQuietRun } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { Command } from 'commander'
import type { ToolOutlets } from '../harness/tool-outlets.ts'
import { machine, machineText } from '../quality/machine.ts'
import { type LoopCase, type LoopReport, runEventLoop } from './event-loop-run.ts'

const goal = 50

const about = `
This process serves the product's Rounds of gRPC on loopback, without TLS, while it works; another process polls it, five
milliseconds after each reply, and where the coordinator opens also sends parts (of 237,584 bytes, twenty a second), each hashed
and added on the thread that serves. Delay: monitorEventLoopDelay at 1 ms, only during the work (an idle loop shows about 1 ms).
Calls: from the call to its reply, in the process that calls. Left out: gradients, the ledger, writing to disk.

Examples:
  $ npm run -s bench:event-loop
  $ npm run -s bench:event-loop -- --params 100000 --repeats 3 --json`

const wholeOf = (field: string, text: string, least: number, most: number): number => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= least && count <= most) return count
  throw new CodedError('ARGUMENT_INVALID', `${field} must be a whole number from ${least} to ${most}`, {
    place: { field },
  })
}

/** The cases that have a goal: the work is where the product does it. */
const isOurs = ({ name }: LoopCase) => name.endsWith('its thread')

const row = (each: LoopCase): string => {
  const { name, milliseconds, delay, calls } = each
  const verdict = isOurs(each)
    ? delay.p99 < goal
      ? `  p99 under ${goal} ms: met`
      : `  p99 under ${goal} ms: not met`
    : ''
  const three = (of: { readonly p50: number; readonly p99: number; readonly max: number }) =>
    [of.p50, of.p99, of.max].map((ms) => ms.toFixed(1).padStart(7)).join('')
  return `${name.padEnd(37)}${milliseconds.toFixed(0).padStart(6)} ms  delay${three(delay)}  calls${three(calls)}${verdict}`
}

const reportText = ({ parameters, sites, repeats, cases }: LoopReport): string =>
  [`${parameters} parameters, ${sites} sites, ${repeats} times each; p50, p99 and most, ms`, ...cases.map(row)].join(
    '\n',
  )

/** `npm run bench:event-loop`: how long a thread that serves gRPC is held up while vectors are sealed and sums opened. */
export const eventLoopCommand = ({ write, progress }: ToolOutlets): Command =>
  new Command('bench:event-loop')
    .description('How long the event loop waits while a vector is sealed or a sum opened, in a thread and without one.')
    .option('--params <number>', 'values of the vector, 100 to 10000000', '1000000')
    .option('--repeats <number>', 'how often each is done, 1 to 1000', '10')
    .option('--json', 'print one JSON object')
    .addHelpText('after', about)
    .action(async (options: { readonly params: string; readonly repeats: string; readonly json?: true }) => {
      const parameters = wholeOf('--params', options.params, 100, 10_000_000)
      const repeats = wholeOf('--repeats', options.repeats, 1, 1000)
      const where = machine()
      const say = (text: string) => {
        if (!isQuietRun()) progress(text)
      }
      const report = await runEventLoop(parameters, repeats, say)
      const isMet = report.cases.filter(isOurs).every(({ delay }) => delay.p99 < goal)
      write(
        options.json
          ? `${JSON.stringify({ machine: where, goalMilliseconds: goal, isMet, ...report })}\n`
          : `${machineText(where)}\n\n${reportText(report)}\n`,
      )
    })
