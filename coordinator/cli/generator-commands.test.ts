import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { completeRun, initialised, publishStudy } from '../../test/harness/completed-study.ts'
import { coordinatorCommands } from '../../test/harness/coordinator-commands.ts'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { RetiredGenerators, retiredGeneratorsPath } from '../requests/retired-generators.ts'
import type { PublishedStudy } from '../studies/study-store.ts'
import { UserStore, usersPath } from '../users/user-store.ts'
import { addGeneratorCommands } from './generator-commands.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tributary-generator-commands-'))
let first: PublishedStudy
beforeAll(async () => {
  await initialised(dataDir, clock)
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  first = await publishStudy(dataDir, manifest, clock)
  await completeRun(dataDir, first)
  await publishStudy(dataDir, { ...manifest, name: 'waiting' }, clock)
})
afterAll(() => rmSync(dataDir, { recursive: true }))

const { run: generator } = coordinatorCommands(addGeneratorCommands, 'generator', { clock, dataDir })
const states = async () =>
  (await generator('ls')).data.map(({ study, state }: { study: string; state: string }) => [study, state])

it('ls, retire and restore, beside a coordinator that is up', async () => {
  const beside = RetiredGenerators.open(retiredGeneratorsPath(dataDir))
  const { study } = first
  expect((await generator('ls')).data).toEqual([
    { generator: 'tiny', study, state: 'offered', completed: '1970-01-01T00:00:03.000Z', retired: null },
  ])
  expect((await generator('retire', 'tiny')).data).toEqual({ generator: 'tiny', study, state: 'retired' })
  expect(beside.has(study)).toBe(true)
  expect(await states()).toEqual([[study, 'retired']])
  expect(await generator('retire', 'tiny')).toMatchObject({ error: 'ALREADY_EXISTS' })
  for (const unknown of ['waiting', 'none'])
    expect(await generator('retire', unknown)).toMatchObject({ error: 'NOT_FOUND' })

  // The same name again: it means the one that the command can change.
  const again = await publishStudy(dataDir, { ...first.manifest, purpose: 'Another.' }, clock)
  await completeRun(dataDir, again)
  expect((await generator('retire', 'tiny')).data.study).toBe(again.study)
  expect(await generator('restore', 'tiny')).toMatchObject({ error: 'NOT_FOUND' })
  expect((await generator('restore', study.slice(0, 12))).data).toMatchObject({ study, state: 'offered' })
  expect(beside.has(study)).toBe(false)
  expect(await generator('restore', study)).toMatchObject({ error: 'NOT_FOUND' })
  beside.close()

  const users = UserStore.open(usersPath(dataDir))
  expect(users.audit().map(({ action, object }) => [action, object])).toEqual([
    ['restore', study],
    ['retire', again.study],
    ['retire', study],
  ])
  users.close()
})

it('makes nothing in a folder that is no data directory', async () => {
  expect(await generator('ls', '--data-dir', join(dataDir, 'other'))).toMatchObject({ error: 'NOT_FOUND' })
  expect(readdirSync(dataDir)).not.toContain('other')
})
