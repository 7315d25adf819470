import { runCommand } from '@tributary/shared/cli/output'
import { ProgressLine } from '../../deploy/local/progress-line.ts'
import { auditCommand } from './audit-command.ts'

/** `npm run -s audit`: the one-run canary audit. */
let line: ProgressLine | undefined
const progress = (text: string): void => {
  line ??= new ProgressLine()
  // No timer fires between two sums: a terminal's line is drawn at each.
  if (process.stderr.isTTY) line.stage(text)
  else line.update(text)
}
const write = (text: string): void => {
  line?.end()
  process.stdout.write(text)
}
await runCommand(auditCommand({ write, progress }), process.argv)
line?.end()
