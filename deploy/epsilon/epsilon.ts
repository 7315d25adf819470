import { runCommand } from '@tributary/shared/cli/output'
import { epsilonCommand } from './epsilon-command.ts'

/** `npm run -s epsilon`: the accountant for people. */
await runCommand(
  epsilonCommand((text) => void process.stdout.write(text)),
  process.argv,
)
