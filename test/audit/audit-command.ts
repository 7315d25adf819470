import { isQuietRun } from '@tributary/shared/cli/output'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { CodedError } from '@tributary/shared/errors'
import { loadEngine } from '@tributary/shared/tensor/engine'
import { Command } from 'commander'
import { machine, machineText } from '../quality/machine.ts'
import { auditText, runAudit } from './audit-run.ts'

interface Options {
  readonly canaries: string
  readonly json?: true
}

/** Where the audit writes: its answer, and what it is doing. */
interface Outlets {
  write(text: string): void
  progress(text: string): void
}

const about = `
Canaries are patients put in or left out by fair coins; an adversary who sees every opened sum and chooses the announced
weights guesses the coins. What runs is what a hospital runs (sampling, clipping, rounding, noise, folding); its contributions
are added in the clear, not sealed (test/quality/sealed-equality.ts shows that sealing gives the same sums). Randomness is the
operating system's. Exit 1: a claim is refused, of a correct build in fewer than one run of 70,000.

Examples:
  $ npm run -s audit
  $ npm run -s audit -- --canaries 2048 --json`

const canariesOf = (text: string): number => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= 256 && count <= 16_384) return count
  throw new CodedError('ARGUMENT_INVALID', '--canaries must be a whole number from 256 to 16384', {
    place: { field: '--canaries' },
  })
}

/** `npm run audit`: claimed epsilon beside a lower bound from one run. --json prints one bare object, as `epsilon` does. */
export const auditCommand = ({ write, progress }: Outlets): Command =>
  new Command('audit')
    .description('One run with canaries: the epsilon that is claimed beside what the opened sums prove.')
    .option('--canaries <number>', 'how many canaries, 256 to 16384: more prove more and take longer', '8192')
    .option('--json', 'print one JSON object')
    .addHelpText('after', about)
    .action(async (options: Options) => {
      const canaries = canariesOf(options.canaries)
      const where = machine()
      const started = performance.now()
      const say = isQuietRun() ? () => {} : progress
      const lines = await runAudit(canaries, await loadEngine(), osRandomStreams()('sampling'), say)
      const seconds = (performance.now() - started) / 1000
      const passed = lines.every(({ refuted }) => refuted.length === 0)
      write(
        options.json
          ? `${JSON.stringify({ machine: where, seconds, passed, lines })}\n`
          : `${[machineText(where), '', ...auditText(lines), '', `${seconds.toFixed(1)} s`].join('\n')}\n`,
      )
      if (!passed) process.exitCode = 1
    })
