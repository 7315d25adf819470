import { runCommand } from '@tributary/shared/cli/output'
import type { Command } from 'commander'
import { ProgressLine } from '../../deploy/local/progress-line.ts'

/** Where a tool prints its result, and says how far it is. */
export interface ToolOutlets {
  readonly write: (text: string) => void
  readonly progress: (text: string) => void
}

/** Runs a tool that computes for long stretches without a timer: a terminal's line is drawn whenever it says something. */
export const runTool = async (commandOf: (outlets: ToolOutlets) => Command): Promise<void> => {
  let line: ProgressLine | undefined
  const progress = (text: string): void => {
    line ??= new ProgressLine()
    if (process.stderr.isTTY) line.stage(text)
    else line.update(text)
  }
  const write = (text: string): void => {
    line?.end()
    process.stdout.write(text)
  }
  await runCommand(commandOf({ write, progress }), process.argv)
  line?.end()
}
