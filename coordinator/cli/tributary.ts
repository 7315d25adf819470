import { readFileSync } from 'node:fs'
import { runCommand } from '@tributary/shared/cli/output'
import { systemClock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { addResearcherCommands } from '../researcher/commands.ts'
import { pointToOtherPrograms } from '../studies/other-programs.ts'

const program = new Command('tributary')
  .description(
    'For researchers: synthetic cohorts from a consortium. For study authors: write, check and price a study.',
  )
  .version('0.1.0')
  .addHelpText(
    'before',
    `  $ tributary login --server https://tributary.example --token-file token.txt
  $ tributary catalog
  $ tributary plan ckd-2027 -n 5000 --where 'diabetes = yes AND age > 60'
  $ tributary study validate study.yaml --json
`,
  )
addResearcherCommands(program, {
  clock: systemClock,
  fetch,
  environment: process.env,
  standardInput: () => (process.stdin.isTTY ? null : readFileSync(0, 'utf8')),
})

// Pricing a study loads the accountant: only its own commands wait for that.
program.command('study').description('write, check and price a study file: validate, plan, schema')
if (process.argv.includes('study')) {
  const { addStudyCommands } = await import('../studies/study-commands.ts')
  addStudyCommands(program)
  pointToOtherPrograms(program)
}
await runCommand(program, process.argv)
