import { runCommand } from '@tributary/shared/cli/output'
import type { Command } from 'commander'
import { afterEach, vi } from 'vitest'
import type { ToolOutlets } from './tool-outlets.ts'

/** Runs command lines of a tool in this process, as a user gives them: what each printed, said meanwhile, and how it ended. */
export const toolRun = (name: string, commandOf: (outlets: ToolOutlets) => Command) => {
  afterEach(() => {
    vi.restoreAllMocks()
    process.exitCode = undefined
  })
  return async (...words: string[]) => {
    let [out, err] = ['', '']
    const said: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((err += text)))
    const outlets = { write: (text: string) => void (out += text), progress: (text: string) => void said.push(text) }
    await runCommand(commandOf(outlets), ['node', name, ...words])
    const code = process.exitCode ?? 0
    process.exitCode = undefined
    vi.restoreAllMocks()
    return { out, err, said, code }
  }
}
