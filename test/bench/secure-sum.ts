import { runCommand } from '@tributary/shared/cli/output'
import { ProgressLine } from '../../deploy/local/progress-line.ts'
import { secureSumCommand } from './secure-sum-command.ts'

/** `npm run -s bench:secure-sum`. */
let line: ProgressLine | undefined
const progress = (text: string): void => {
  line ??= new ProgressLine()
  // No timer fires while SEAL works: a terminal's line is drawn at each.
  if (process.stderr.isTTY) line.stage(text)
  else line.update(text)
}
const write = (text: string): void => {
  line?.end()
  process.stdout.write(text)
}
await runCommand(secureSumCommand({ write, progress }), process.argv)
line?.end()
