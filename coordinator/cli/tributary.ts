import { runCommand } from '@tributary/shared/cli/output'
import { Command } from 'commander'
import { addStudyCommands } from '../studies/study-commands.ts'

const program = new Command('tributary')
  .description('For researchers and study authors: write, check and price a study before anybody is asked.')
  .version('0.1.0')
  .addHelpText(
    'after',
    `
Examples:
  $ tributary study plan draft.yaml --write
  $ tributary study validate study.yaml --json`,
  )
addStudyCommands(program)
await runCommand(program, process.argv)
