import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { expect, it } from 'vitest'
import { addGeneratorCommands } from './generator-commands.ts'
import { addPublishedCommands } from './published-commands.ts'
import { addRosterCommands } from './roster-commands.ts'
import { addUserCommands } from './user-commands.ts'

const exampleOf = (group: string) => new RegExp(`^Examples:\\n {2}\\$ coordinator ${group} `, 'm')

it.each(['roster', 'user', 'generator', 'model'])('%s --help has examples', (group) => {
  let help = ''
  const program = new Command('coordinator')
  for (const add of [addRosterCommands, addUserCommands, addGeneratorCommands, addPublishedCommands])
    add(program, { clock })
  const command = program.commands.find((each) => each.name() === group)
  command?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
  expect(help).toMatch(exampleOf(group))
})

it("study --help says that it is the operator's too, with examples", () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const { stdout, status } = spawnSync(process.execPath, ['--conditions=source', main, 'study', '--help'], {
    encoding: 'utf8',
  })
  expect(status).toBe(0)
  expect(stdout).toContain('publish them')
  expect(stdout).toMatch(exampleOf('study'))
})
