import { runCommand } from '@tributary/shared/cli/output'
import { systemClock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { addEnrolmentCommands } from '../enrolment/commands.ts'
import { addStudyCommands } from '../studies/study-commands.ts'
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
  $ coordinator up --data-dir /srv/tributary
  $ coordinator study validate study.yaml`,
  )
const ports = { clock: systemClock }
addEnrolmentCommands(program, ports)
addRunCommands(program, ports)
addRosterCommands(program, ports)
addStudyCommands(program)
addPublishedCommands(program, ports)
addDisputeCommands(program)
addGeneratorCommands(program, ports)
addUserCommands(program, ports)
await runCommand(program, process.argv)
