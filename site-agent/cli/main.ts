import { runCommand } from '@tributary/shared/cli/output'
import { systemClock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { addEnrolmentCommands } from '../enrolment/commands.ts'
import { addBudgetCommands } from '../ledger/budget-commands.ts'
import { addQualityCommand } from './quality-command.ts'
import { addRosterCommands } from './roster-commands.ts'
import { addRunCommands } from './run-commands.ts'
import { addSourceCommands } from './source-commands.ts'
import { addStudyCommands } from './study-commands.ts'

const program = new Command('site-agent')
  .description("The hospital's side: rows stay here; sealed, noised sums leave.")
  .version('0.1.0')
  .addHelpText(
    'after',
    `
Examples:
  $ site-agent init --data-dir /srv/site-agent --name north
  $ site-agent enrol --data-dir /srv/site-agent --coordinator HOST:7443 --ca-sha256 F --token-file token
  $ site-agent study show ckd-2027 --data-dir /srv/site-agent`,
  )
const ports = { clock: systemClock }
addEnrolmentCommands(program, ports)
addRosterCommands(program, ports)
addSourceCommands(program, ports)
addStudyCommands(program, ports)
addBudgetCommands(program, ports)
addRunCommands(program, ports)
addQualityCommand(program, ports)
await runCommand(program, process.argv)
