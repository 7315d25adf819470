import type { Command } from 'commander'
import type { CancelOptions } from './cancel.ts'
import type { DownloadOptions } from './download.ts'
import type { LoginOptions } from './login.ts'
import type { PlanOptions } from './plan.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import type { ProbeOptions } from './probe.ts'
import type { ReportOptions } from './report.ts'
import type { RequestOptions } from './request.ts'
import type { StatusOptions } from './status.ts'
import type { VerifyOptions } from './verify.ts'

/** One command; its help starts with an example. */
const command = (program: Command, usage: string, summary: string, ...examples: string[]): Command =>
  program
    .command(usage)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .addHelpText('before', `${examples.map((line) => `  $ tributary ${line}`).join('\n')}\n`)
    .option('--json', 'print one JSON envelope')

/** One that asks the coordinator. */
const remote: typeof command = (...parts) =>
  command(...parts).option('--timeout <seconds>', 'give up after so long (exit code 3)')

const where = ['--where <condition>', "who: 'age >= 60 AND (diabetes = yes OR kidney IN (G3a, G3b))'"] as const
/** What a cohort is to be beyond a condition. */
const additions = (command: Command): Command => {
  const collected = (value: string, before: readonly string[] = []) => [...before, value]
  return command
    .option('--reweight <condition:share>', "a share to hold, repeatable: 'sex = f:0.5'", collected)
    .option('--balance <columns>', 'as many rows of every combination of levels: sex,age')
    .option('--augment <words...>', "so many times as many of some: 'age >= 80' x3")
    .option(
      '--set <value>',
      "what if, repeatable: 'smoking = never', and every column after it made again; not a causal effect",
      collected,
    )
}
const rows = ['-n, --rows <number>', 'how many'] as const
const seed = ['--seed <number>', 'equal seeds give equal rows'] as const

/**
 * The researcher's commands. Each one's code is loaded when it runs: help appears at once, and `verify` loads nothing that
 * talks to anybody.
 */
export const addResearcherCommands = (program: Command, ports: ResearcherPorts): void => {
  remote(
    program,
    'login',
    'remember a coordinator, a token, and whose signatures to trust',
    'login --server https://tributary.example --token-file token.txt',
    'login --server http://127.0.0.1:7480 --token-file - < token.txt',
  )
    .requiredOption('--server <url>', 'https://..., or http:// on this machine')
    .option('--token-file <file>', 'file with the token, - for standard input; else TRIBUTARY_TOKEN is read')
    .option('--ca <file>', 'PEM of a private authority, trusted from then on instead of the public ones')
    .option('--accept-new-key <digits>', 'first 8 digits of a signing key that replaced the known one')
    .action(async (options: LoginOptions) => (await import('./login.ts')).login(options, ports))

  command(program, 'logout', 'forget the token', 'logout').action(async (options: RemoteOptions) =>
    (await import('./logout.ts')).logout(options, ports),
  )

  remote(program, 'whoami', 'say who is logged in, and where', 'whoami --json').action(async (options: RemoteOptions) =>
    (await import('./whoami.ts')).whoami(options, ports),
  )

  remote(
    program,
    'catalog [generator]',
    'list the generators, or show one with its variables and its privacy',
    'catalog',
    'catalog ckd-2027 --json',
  ).action(async (generator: string | undefined, options: RemoteOptions) =>
    (await import('./catalog.ts')).catalog(generator, options, ports),
  )

  additions(
    remote(
      program,
      'probe <generator>',
      'draw a few synthetic rows at once',
      "probe ckd-2027 --where 'age >= 60' -n 20",
      'probe ckd-2027 --format csv > rows.csv',
    )
      .option(...where)
      .option(...rows, '20')
      .option(...seed),
  )
    .option('--format <layout>', 'table, csv or json')
    .action(async (generator: string, options: ProbeOptions) =>
      (await import('./probe.ts')).probe(generator, options, ports),
    )

  additions(
    remote(
      program,
      'plan <generator>',
      'say what a cohort would be worth, at no privacy cost',
      "plan ckd-2027 -n 5000 --where 'diabetes = yes AND age > 60'",
      "plan ckd-2027 -n 5000 --reweight 'sex = f:0.5' --reweight 'age >= 80:0.3'",
      "plan ckd-2027 -n 5000 --set 'smoking = never'",
    )
      .requiredOption(...rows)
      .option(...where)
      .option(...seed),
  ).action(async (generator: string, options: PlanOptions) =>
    (await import('./plan.ts')).plan(generator, options, ports),
  )

  additions(
    remote(
      program,
      'request [generator]',
      'have a cohort made',
      "request ckd-2027 -n 5000 --where 'age >= 60' --seed 7 --purpose 'sample size for a trial' --wait",
      'request -f request.yaml',
    )
      .option(...rows)
      .option(...where)
      .option(...seed),
  )
    .option('--format <formats>', 'csv,parquet unless given')
    .option('--purpose <text>', 'why; it is kept, and printed in the report')
    .option(
      '-f, --file <file>',
      'YAML with generator, rows, seed, where, reweight ..., formats, purpose; options win over it',
    )
    .option('--wait', 'return when it is done')
    .option('--again', 'make a second request of the same order: for a day, else, that is the same request')
    .action(async (generator: string | undefined, options: RequestOptions) =>
      (await import('./request.ts')).request(generator, options, ports),
    )

  remote(program, 'status [request]', 'list the requests, or show one', 'status', 'status 8kq2 --wait --timeout 600')
    .option('--wait', 'return when it is done')
    .action(async (request: string | undefined, options: StatusOptions) =>
      (await import('./status.ts')).status(request, options, ports),
    )

  remote(
    program,
    'cancel <request>',
    'stop a request that is not done, or delete its release',
    'cancel 8kq2',
    'cancel 8kq2 --delete-release',
  )
    .option('--delete-release', 'also when it is done: the release is gone from the coordinator')
    .action(async (request: string, options: CancelOptions) =>
      (await import('./cancel.ts')).cancel(request, options, ports),
    )

  remote(
    program,
    'report <request>',
    'print the summary of a report, or save the whole of it',
    'report 8kq2',
    'report 8kq2 --html report.html',
  )
    .option('--html <file>', 'save the report as one HTML file')
    .action(async (request: string, options: ReportOptions) =>
      (await import('./report.ts')).report(request, options, ports),
    )

  remote(program, 'download <request>', 'fetch a release and verify it', 'download 8kq2 --out release-8kq2')
    .requiredOption('--out <folder>', 'folder to make; it appears when all is there and sound')
    .action(async (request: string, options: DownloadOptions) =>
      (await import('./download.ts')).download(request, options, ports),
    )

  command(
    program,
    'verify <folder>',
    'find any change to a release, offline',
    'verify release-8kq2',
    "verify release-8kq2 --key '3f9a 12bc 0d41 77e2 90ab c1d2 5e6f 8a0b'",
  )
    .option('--key <fingerprint>', 'the key that must have signed; the one of the login unless given')
    .action(async (folder: string, options: VerifyOptions) =>
      (await import('./verify.ts')).verify(folder, options, ports),
    )
}
