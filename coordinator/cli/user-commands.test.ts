import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { initialised } from '../../test/harness/completed-study.ts'
import { coordinatorCommands } from '../../test/harness/coordinator-commands.ts'
import { UserStore, usersPath } from '../users/user-store.ts'
import { addUserCommands } from './user-commands.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tributary-user-commands-'))
beforeAll(async () => {
  await initialised(dataDir, clock)
})
afterAll(() => rmSync(dataDir, { recursive: true }))

const { run: user, printed } = coordinatorCommands(addUserCommands, 'user', { clock, dataDir })

it('add, ls, rm and renew, beside a store that is open', async () => {
  const running = UserStore.open(usersPath(dataDir))
  const { data } = await user('add', 'ada')
  expect(data).toMatchObject({ user: 'ada', role: 'researcher', token: expect.stringMatching(/^trib_/) })
  expect(running.holderOf(data.token)?.name).toBe('ada')
  expect(await user('add', 'ada')).toMatchObject({ error: 'ALREADY_EXISTS' })
  expect((await user('add', 'olga', '--role', 'operator')).data).toMatchObject({ role: 'operator' })
  expect(await user('add', 'eve', '--role', 'admin')).toMatchObject({ error: 'ARGUMENT_INVALID' })

  const listed = await user('ls')
  expect(listed.data).toMatchObject([
    { user: 'ada', role: 'researcher', state: 'active' },
    { user: 'olga', role: 'operator', state: 'active' },
  ])
  expect(printed()).not.toContain(data.token.slice(5, 20))

  expect((await user('rm', 'ada')).data).toMatchObject({ state: 'removed' })
  expect(running.holderOf(data.token)).toBeUndefined()
  expect(await user('rm', 'nobody')).toMatchObject({ error: 'NOT_FOUND' })
  const renewed = (await user('add', 'ada', '--renew')).data.token
  expect(running.holderOf(renewed)?.name).toBe('ada')
  expect(running.holderOf(data.token)).toBeUndefined()

  running.note({ time: 0, user: 'ada', action: 'probe', object: 'x', detail: '{}' })
  expect((await user('audit')).data).toEqual([
    { time: '1970-01-01T00:00:00.000Z', user: 'ada', action: 'probe', object: 'x', detail: '{}' },
  ])
  expect(await user('audit', '--limit', '0')).toMatchObject({ error: 'ARGUMENT_INVALID' })
  running.close()
})

it('quota: given with the user, changed later, and nothing else is taken for one', async () => {
  expect((await user('add', 'cy', '--quota', 'rows=5000,unfinished=2')).data).toMatchObject({ user: 'cy' })
  const quotas = async () =>
    Object.fromEntries(
      (await user('ls')).data.map((row: { user: string; rows: number; unfinished: number }) => [
        row.user,
        [row.rows, row.unfinished],
      ]),
    )
  expect(await quotas()).toMatchObject({ cy: [5000, 2], olga: [20_000_000, 20] })
  expect((await user('quota', 'cy', 'rows=7')).data).toEqual({ user: 'cy', rows: 7, unfinished: 2 })
  for (const wrong of ['rows', 'rows=', 'rows=-1', 'rows=1e9', 'rows=5,rows=6', 'cells=5', ''])
    expect(await user('quota', 'cy', wrong), wrong).toMatchObject({ error: 'ARGUMENT_INVALID' })
  expect(await user('add', 'dan', '--quota', 'nonsense')).toMatchObject({ error: 'ARGUMENT_INVALID' })
  expect(await quotas()).toMatchObject({ cy: [7, 2] })
  expect(await quotas()).not.toHaveProperty('dan')
  expect(await user('quota', 'nobody', 'rows=7')).toMatchObject({ error: 'NOT_FOUND' })
})

it('makes nothing in a folder that is no data directory', async () => {
  const other = join(dataDir, 'other')
  expect(await user('add', 'ada', '--data-dir', other)).toMatchObject({ error: 'NOT_FOUND' })
  expect(readdirSync(dataDir)).not.toContain('other')
})
