import { runCommand } from '@tributary/shared/cli/output'
import { systemClock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { addEnrolmentCommands } from '../enrolment/commands.ts'
import { addStudyCommands } from '../studies/study-commands.ts'
import { groupExamples } from './common-options.ts'
import { addDisputeCommands } from './dispute-commands.ts'
import { addGeneratorCommands } from './generator-commands.ts'
import { addPublishedCommands } from './published-commands.ts'
import { addRosterCommands } from './roster-commands.ts'
import { addRunCommands } from './run-commands.ts'
import { addUserCommands } from './user-commands.ts'

const program = new Command('coordinator')
  .description("The consortium's side: adds sealed updates it cannot read, and trains the shared synthesizer.")
  .version('0.1.0')
  .addHelpText(
    'after',
    `
Examples:
  $ coordinator init --data-dir /srv/tributary --name Rhine
  $ coordinator invite north --data-dir /srv/tributary
  $ coordinator up --data-dir /srv/tributary
  $ coordinator roster propose --data-dir /srv/tributary
  $ coordinator study publish study.yaml --data-dir /srv/tributary`,
  )
const ports = { clock: systemClock }
addEnrolmentCommands(program, ports)
addRunCommands(program, ports)
addRosterCommands(program, ports)
program
  .command('study')
  .description('check and price study files; publish them, see where they stand, stop them, settle disputed deals')
  .addHelpText(
    'after',
    groupExamples(
      'study validate study.yaml',
      'study publish study.yaml --data-dir /srv/tributary',
      'study ls --data-dir /srv/tributary',
      'study show ckd-2027 --data-dir /srv/tributary',
    ),
  )
addStudyCommands(program)
addPublishedCommands(program, ports)
addDisputeCommands(program)
addGeneratorCommands(program, ports)
addUserCommands(program, ports)
await runCommand(program, process.argv)
