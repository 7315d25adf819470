import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { siteId } from '@tributary/shared/ids'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { completeRun, initialised, publishFirstRoster, publishStudy } from '../../test/harness/completed-study.ts'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { roundsPath, studiesPath } from '../data-paths.ts'
import { registryPath } from '../enrolment/federation-directory.ts'
import { openSiteRegistry } from '../enrolment/site-registry.ts'
import { openRound } from '../rounds/round.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { termsOf } from '../rounds/round-terms.ts'
import { type PublishedStudy, StudyStore } from '../studies/study-store.ts'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { addPublishedCommands } from './published-commands.ts'
import { addRosterCommands } from './roster-commands.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tributary-published-'))
const names = ['ash', 'birch', 'cedar', 'date']
let running: PublishedStudy
let completed: PublishedStudy
beforeAll(async () => {
  await initialised(dataDir, clock)
  const registry = openSiteRegistry(registryPath(dataDir))
  const members = names.map((name, i) => ({ site: siteId(name), identity: new Uint8Array(32).fill(i + 1) }))
  const expires = clock.now() + 1_000_000
  for (const [i, { site, identity: key }] of members.entries())
    registry.admit(site, key, { serial: `0${i}`, certificate: `pem ${i}`, expires }, 1)
  registry.close()
  await publishFirstRoster(dataDir, members, clock)
  const manifest = tinyStudy({ sites: 4, least: 4, steps: 1, spares: { marginals: 1, gradient: 1 } })
  completed = await publishStudy(dataDir, { ...manifest, name: 'done' }, clock)
  await completeRun(dataDir, completed)
  running = await publishStudy(dataDir, manifest, clock)
  await completeRun(dataDir, running)
  const rounds = RoundStore.open(roundsPath(dataDir))
  const stored = rounds.run(running.study)
  if (stored === undefined) throw new Error('a run was just stored')
  rounds.saveRun({ ...stored.state, outcome: 'running', step: 0, attempt: 1 }, stored.model, {})
  const facts = (attempt: number) => ({ round: roundIdOf(running.study, 0, attempt), query: 0, step: 0, attempt })
  const [ash, ...others] = names.map(siteId)
  const first = openRound(facts(0), termsOf(running), 0)
  if (ash !== undefined)
    rounds.saveRound(running.study, { ...first, phase: 'aborted', withdrawn: [ash], reason: 'ash withdrew' })
  rounds.saveRound(running.study, { ...openRound(facts(1), termsOf(running), 0), dealers: others })
  rounds.close()
})
afterAll(() => rmSync(dataDir, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const words = async (...args: string[]): Promise<string> => {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const program = new Command('coordinator')
  addPublishedCommands(program, { clock })
  addRosterCommands(program, { clock })
  await runCommand(program, ['node', 'coordinator', ...args, '--data-dir', dataDir])
  return out
}
const json = async (...args: string[]) => JSON.parse(await words(...args, '--json'))

it('publish reads a study file as validate does: bytes that are not UTF-8 are refused, not replaced', async () => {
  const sample = readFileSync(new URL('../../deploy/samples/studies/heart4.yaml', import.meta.url))
  const file = join(dataDir, 'latin.yaml')
  writeFileSync(file, Buffer.concat([sample, Buffer.from('# Universit\xe4t\n', 'latin1')]))
  expect(await json('study', 'publish', file)).toMatchObject({ error_code: 'MANIFEST_INVALID', place: { file } })
  expect(await json('study', 'publish', join(dataDir, 'none.yaml'))).toMatchObject({ error_code: 'NOT_FOUND' })
})

it('show says whom the study waits for, and reads as words', async () => {
  const { data } = await json('study', 'show', running.study)
  expect(data).toMatchObject({ round_waits_for: [{ site: 'ash', why: 'withdrew' }], rounds: [{}, {}] })
  expect(data).not.toHaveProperty('waiting_for')
  expect(data.next).toContain(`coordinator study stop ${running.study.slice(0, 8)} --reason`)
  const text = await words('study', 'show', running.study)
  expect(text).toContain('round_waits_for: ash (withdrew)\n')
  expect(text).toMatch(/^approvals_missing: /m)
  expect(text).not.toContain('silent')
  expect(text).toContain('colluders c 0, threshold t 3, least contributors 4 of 4')
  expect(text).toContain('last: step 0, attempt 1 (marginals): dealing\n')
})

it('show of a study that is over waits for no round; a name that nobody has is said in words', async () => {
  expect(await words('study', 'show', completed.study)).toContain('round_waits_for: no round is open\n')
  const none = await json('study', 'show', 'four')
  expect(none).toMatchObject({ error_code: 'NOT_FOUND', hint: expect.stringContaining('coordinator study ls') })
  expect(none.message).toBe('no published study matches four')
})

it('ls lists every published study with who has not approved it', async () => {
  const { data } = await json('study', 'ls')
  expect(data).toMatchObject([
    { study: completed.study, name: 'done', state: 'completed', approvals_missing: [] },
    { study: running.study, name: 'tiny', state: 'running' },
  ])
  expect(await words('study', 'ls')).toMatch(new RegExp(`^${running.study.slice(0, 12)} +tiny +running`, 'm'))
})

it('show prints who learns how much, the table of site-agent and of validate', async () => {
  const text = await words('study', 'show', running.study)
  const { data } = await json('study', 'show', running.study)
  expect(data.adversary_table.length).toBeGreaterThan(4)
  // What the table says of those who isolate a site is what is said in words.
  const { opening, adversary_table: table } = data
  const isolating = table.filter(({ isolates }: { isolates: boolean }) => isolates)
  expect(opening.colluders_that_open_one_site).toBe(
    Math.min(...isolating.map((row: { hospitals: number }) => row.hospitals)),
  )
  expect(opening).toMatchObject({ colluders: 0, threshold: 3, least_contributors: 4, colluders_that_leave_one_site: 3 })
  for (const { name, missedShares, epsilon, target } of data.adversary_table) {
    const line = text.split('\n').find((each) => each.startsWith(`  ${target.hospitals > 1 ? target.name : name} `))
    const printed = Number(new RegExp(` ${missedShares} +([\\d.]+)`).exec(line ?? '')?.[1])
    expect(printed).toBeGreaterThanOrEqual(epsilon)
    expect(printed).toBeLessThan(epsilon + (epsilon < 100 ? 1.001e-3 : 1.001))
  }
})

it('a roster that takes a site out of a study that is not over is proposed only on --yes, and says what it changes', async () => {
  const registry = openSiteRegistry(registryPath(dataDir))
  registry.revoke(siteId('date'), clock.now())
  registry.close()
  const refused = await json('roster', 'propose')
  expect(refused).toMatchObject({ error_code: 'ARGUMENT_INVALID', place: { field: '--yes' } })
  expect(refused.message).toContain(`date leaves study tiny (${running.study.slice(0, 8)}) for good, which stops (`)
  expect(refused.hint).toContain('--yes')
  expect(refused.message).not.toContain('done')
  const studies = StudyStore.open(studiesPath(dataDir))
  expect(studies.latestRoster()?.roster.version).toBe(1)
  studies.close()
  expect((await json('roster', 'propose', '--yes')).data).toMatchObject({
    version: 2,
    changes: { before_version: 1, joined: [], left: ['date'], other_key: [] },
    affected: [{ name: 'tiny', loses: ['date'], stops: expect.stringContaining('date left the roster') }],
  })
  // A removal alone asks nothing of the officers before the next study.
  expect(await words('roster', 'propose')).toMatch(/^next: nothing changed, .* agents follow a removal by themselves/m)
  // Nothing changes now: nothing to agree to.
  expect((await json('roster', 'propose')).data).toMatchObject({ version: 2, changes: { left: [] } })
})

it('stop is durable, wants a reason of one line, and is refused once a study is over', async () => {
  expect(await json('study', 'stop', running.study, '--reason', 'a\nb')).toMatchObject({
    error_code: 'ARGUMENT_INVALID',
  })
  expect((await json('study', 'stop', running.study, '--reason', 'ash revoked it')).data).toMatchObject({
    study: running.study,
    stop_ordered: 'ash revoked it',
  })
  expect((await json('study', 'show', running.study)).data).toMatchObject({ stop_ordered: 'ash revoked it' })
  expect(await json('study', 'stop', completed.study, '--reason', 'x')).toMatchObject({ error_code: 'STUDY_OVER' })
})
