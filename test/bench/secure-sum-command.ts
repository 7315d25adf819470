import { isQuietRun } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { fewestContributors } from '@tributary/shared/he/thresholds'
import { Command } from 'commander'
import { machine, machineText } from '../quality/machine.ts'
import { runSecureSum, type SecureSumAsked, type SecureSumReport } from './secure-sum-run.ts'

interface Options {
  readonly sites: string
  readonly params: string
  readonly lost: string
  readonly json?: true
}

/** Where the benchmark writes: its answer, and what it is doing. */
interface Outlets {
  write(text: string): void
  progress(text: string): void
}

const about = `
One round of a gradient as the planner lays it out, by the product's own calls on the real ring: sites deal, check the deals, seal
and answer, the coordinator sifts the deals, adds parts as they arrive and opens; one after another in one process, sealing and
opening in threads of their own as in the product. Lost sites deal and are not heard from again.
Left out: gradients and noise, the ledger, gRPC and TLS; bytes are those of the messages. Baselines add the same integers.

Examples:
  $ npm run -s bench:secure-sum -- --sites 10 --params 1000000 --lost 2
  $ npm run -s bench:secure-sum -- --sites 4 --params 20000 --lost 1 --json`

const refuse = (field: string, why: string): never => {
  throw new CodedError('ARGUMENT_INVALID', why, { place: { field } })
}

const wholeOf = (field: string, text: string, least: number, most: number, why = ''): number => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return count >= least && count <= most
    ? count
    : refuse(field, `${field} must be a whole number from ${least} to ${most}${why}`)
}

const askedOf = ({ sites: n, params, lost: l }: Options): SecureSumAsked => {
  const sites = wholeOf('--sites', n, 3, 64)
  const parameters = wholeOf('--params', params, 100, 10_000_000)
  const most = sites - fewestContributors(sites, 0)
  const why = `: of ${sites} sites a plan lets at most ${most} be absent`
  return { sites, parameters, lost: wholeOf('--lost', l, 0, most, why) }
}

/** The goals are for this size alone: deals and answers do not grow with the model. */
const goalFor: SecureSumAsked = { sites: 10, parameters: 1_000_000, lost: 2 }
const goals = [
  ['bytes up a parameter, all counted', ({ bytesUpPerParameter }: SecureSumReport) => bytesUpPerParameter, 4.5],
  [
    'bytes up a parameter, contribution alone',
    ({ contributionBytesPerParameter }: SecureSumReport) => contributionBytesPerParameter,
    4.1,
  ],
  ['seconds of a site', ({ siteSeconds }: SecureSumReport) => siteSeconds, 0.4],
  ['seconds of the coordinator', ({ coordinatorSeconds }: SecureSumReport) => coordinatorSeconds, 1],
] as const
const timesFewer = 15

const ckksOf = ({ baselines }: SecureSumReport) => baselines.at(-1)!

const phasesText = (phases: Readonly<Record<string, number>>): string =>
  Object.entries(phases)
    .map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
    .join(', ')

/** Compared only at the size that they are stated for. */
export const goalLines = (report: SecureSumReport): string[] => {
  const { asked } = report
  const stated = `${goalFor.parameters.toLocaleString('en')} parameters, ${goalFor.sites} sites, ${goalFor.lost} lost`
  if (asked.sites !== goalFor.sites || asked.parameters !== goalFor.parameters || asked.lost !== goalFor.lost)
    return [`goals are stated for ${stated}: nothing is compared here`]
  const verdict = (isMet: boolean) => (isMet ? 'met' : 'not met')
  const fewer = ckksOf(report).bytesUpPerParameter / report.bytesUpPerParameter
  return [
    `goals, for ${stated}:`,
    ...goals.map(
      ([what, of, goal]) => `  ${what}: ${of(report).toFixed(3)}, goal ${goal}: ${verdict(of(report) <= goal)}`,
    ),
    `  times fewer bytes than shared-key CKKS: ${fewer.toFixed(1)}, goal ${timesFewer}: ${verdict(fewer >= timesFewer)}`,
  ]
}

const reportText = (report: SecureSumReport): string => {
  const { asked, plan, baselines } = report
  return [
    `${asked.sites} sites, ${asked.lost} lost, ${asked.parameters} parameters; ${plan.valuesPerCoefficient} values a coefficient, slots of ${plan.slotBits} bits, ${plan.answers} answers where ${plan.threshold} are needed`,
    `exact: ${report.exact ? 'yes' : 'NO'}`,
    `bytes a parameter: up ${report.bytesUpPerParameter.toFixed(3)} (contribution alone ${report.contributionBytesPerParameter.toFixed(3)}), down ${report.bytesDownPerParameter.toFixed(3)} and the model ${report.modelBytesPerParameter.toFixed(3)}`,
    `a site, ms, median: ${phasesText(report.sitePhaseMilliseconds)}; ${report.siteSeconds.toFixed(3)} s, slowest ${report.siteSecondsSlowest.toFixed(3)} s, processor ${report.siteProcessorSeconds.toFixed(3)} s`,
    `coordinator, ms: ${phasesText(report.coordinatorPhaseMilliseconds)}; ${report.coordinatorSeconds.toFixed(3)} s, processor ${report.coordinatorProcessorSeconds.toFixed(3)} s`,
    `peak memory ${(report.peakMemoryBytes / 2 ** 20).toFixed(0)} MiB (all sites and the coordinator in one process); SEAL starts in ${report.ringSeconds.toFixed(2)} s`,
    '',
    ...baselines.map(
      (each) =>
        `${each.name}: ${each.bytesUpPerParameter.toFixed(2)} bytes up (${(each.bytesUpPerParameter / report.bytesUpPerParameter).toFixed(2)} of ours), site ${each.siteSeconds.toFixed(3)} s (${(each.siteSeconds / report.siteSeconds).toFixed(2)}), coordinator ${each.coordinatorSeconds.toFixed(3)} s (${(each.coordinatorSeconds / report.coordinatorSeconds).toFixed(2)}), processor ${each.siteProcessorSeconds.toFixed(3)} and ${each.coordinatorProcessorSeconds.toFixed(3)} s, ${each.exact ? 'exact' : 'NOT exact'}`,
    ),
    '',
    ...goalLines(report),
  ].join('\n')
}

/** `npm run bench:secure-sum`: one sealed round beside its baselines. Exit 1 where the opened sum is not the plain one. */
export const secureSumCommand = ({ write, progress }: Outlets): Command =>
  new Command('bench:secure-sum')
    .description(
      'What one sealed round costs a site and the coordinator, in time, bytes and memory, beside other ways to add.',
    )
    .option('--sites <number>', 'how many hospitals, 3 to 64', '10')
    .option('--params <number>', 'values of the gradient, 100 to 10000000', '1000000')
    .option(
      '--lost <number>',
      'how many are lost after they dealt: at most a quarter of the sites, and none of three',
      '2',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', about)
    .action(async (options: Options) => {
      const asked = askedOf(options)
      const where = machine()
      const started = performance.now()
      const say = (text: string) => {
        if (!isQuietRun() && performance.now() - started > 2_000) progress(text)
      }
      const report = await runSecureSum(asked, say)
      write(
        options.json
          ? `${JSON.stringify({ machine: where, ...report })}\n`
          : `${machineText(where)}\n\n${reportText(report)}\n`,
      )
      if (!report.exact) process.exitCode = 1
    })
