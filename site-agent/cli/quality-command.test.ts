import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { siteId } from '@tributary/shared/ids'
import { type Manifest, studyIdOf } from '@tributary/shared/study/manifest'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { systemClock as clock } from '@tributary/shared/system/clock'
import type { Roster } from '@tributary/shared/wire/messages'
import { rosterHash } from '@tributary/shared/wire/roster'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { createSiteKeys } from '../enrolment/site-keys.ts'
import { openHoldout } from '../records/holdout.ts'
import { Site } from '../site.ts'
import { addQualityCommand } from './quality-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-quality-'))
const random = counterRandom(1, 9)
const columns: Manifest['columns'] = [
  {
    name: 'age',
    kind: 'numeric',
    bins: [0, 40, 60, 80],
    maximum: 110,
    integer: false,
    missing: 'refuse',
    outside: 'clamp',
  },
  {
    name: 'sex',
    kind: 'categorical',
    levels: ['F', 'M', 'other'],
    ordered: false,
    numeric_text: false,
    missing: 'refuse',
    other: 'other',
  },
]
const evaluated = tinyStudy({
  sites: 3,
  least: 3,
  steps: 1,
  spares: { marginals: 1, gradient: 2 },
  evaluation: { patients: 5000, bins: 4, spares: 1 },
})
const { evaluation: _, ...rest } = evaluated
/** Two studies on one table: one keeps patients for its evaluation, one does not. */
const studies = {
  kept: {
    ...evaluated,
    name: 'kept',
    columns,
    evaluation: { ...evaluated.evaluation!, outcome: 'sex', positive: ['M'] },
  },
  whole: { ...rest, name: 'whole', columns },
  named: {
    ...rest,
    name: 'named',
    columns: [
      ...columns,
      {
        name: 'hospital',
        kind: 'categorical',
        levels: rest.sites.map(({ name }) => name),
        ordered: false,
        numeric_text: false,
        missing: 'refuse',
        other: 'refuse',
        filled_with: 'site',
      },
    ],
  },
} satisfies Record<string, Manifest>
const roster: Roster = {
  federation: 'test',
  version: 1,
  admin: generateIdentity().publicKey,
  coordinator: generateIdentity().publicKey,
  members: [],
  committee: [],
}

/** `men`: chance of M. Ages carry digits that no bin has, and one text is no level at all. */
const rowsOf = (count: number, men: number, from: number) =>
  Array.from({ length: count }, (_unused, i) => {
    const age = (20 + 60 * random.uniform(from + i, 0)).toFixed(5)
    return `${age},${random.uniform(from + i, 1) < men ? 'M' : i === 7 ? 'Xq-secret' : 'F'}`
  })

beforeAll(async () => {
  await createSiteKeys(folder, siteId('ash'))
  const path = join(folder, 'rows.csv')
  const own = rowsOf(3000, 0.5, 0).map((row, i) => `${row},Pat-${i % 2500}`)
  writeFileSync(path, `age,sex,who\n${own.join('\n')}\n`)
  for (const [name, men] of [
    ['like', 0.5],
    ['unlike', 0.9],
  ] as const) {
    mkdirSync(join(folder, name, 'data'), { recursive: true })
    const made = rowsOf(5000, men, 10_000).map((row) => `${row.replace('Xq-secret', 'other')},rel-0123456789abcdef`)
    writeFileSync(join(folder, name, 'data', 'cohort.csv'), `age,sex,${markColumn}\n${made.join('\n')}\n`)
  }
  const book = new Site(folder, clock).openBook()
  book.addSource({ name: 'rows', path, overrides: {} })
  for (const manifest of Object.values(studies)) {
    const study = studyIdOf(manifest, rosterHash(roster))
    book.approve({ study, manifest, roster, source: 'rows' })
  }
  book.close()
  openHoldout(folder, true)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const printed = async (...args: string[]): Promise<string> => {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addQualityCommand(program, { clock })
  await runCommand(program, ['node', 'site-agent', 'quality', ...args, '--data-dir', folder])
  write.mockRestore()
  process.exitCode = undefined
  return out
}
const json = async (study: string, cohort: string) =>
  JSON.parse(await printed(study, '--cohort', join(folder, cohort), '--json'))

/** Every file below the data directory, by content; the store's own shared memory and log have none of ours. */
const contents = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile() && !/-(shm|wal)$/.test(name))
    .sort()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}`,
    )

it('a cohort like this hospital is no farther than chance; one that is not is, and the column is named', async () => {
  const { data: like } = await json('whole', 'like')
  expect(like.tvd2.distance).toBeLessThanOrEqual(like.tvd2.most)
  expect(like.verdict).toContain('as near to this hospital as another sample')
  const { data: unlike } = await json('whole', 'unlike')
  expect(unlike.tvd2.distance).toBeGreaterThan(5 * unlike.tvd2.expected)
  expect(unlike.columns[0]).toMatchObject({ column: 'sex', beyond: true })
  expect(unlike.levels.map(({ level }: { level: string }) => level)).toContain('sex: F')
  expect(unlike).toMatchObject({ compared_with: 'all patients', patients: '1000 to 9999' })
})

it('with an evaluation only patients that no study trains on are compared; without one it says so', async () => {
  const { data } = await json('kept', 'like')
  expect(data).toMatchObject({ compared_with: 'held-out patients', patients: '100 to 999' })
  expect(data.tvd1.expected).toBeGreaterThan(2 * (await json('whole', 'like')).data.tvd1.expected)
  expect(await printed('whole', '--cohort', join(folder, 'like'))).toContain('this study has no evaluation')
})

it('a column that names the hospital is no difference; rows of the cohort that name this one are compared by themselves', async () => {
  const pool = [
    ...rowsOf(2000, 0.5, 20_000).map((row) => `${row},ash`),
    ...rowsOf(4000, 0.95, 30_000).map((row) => `${row},${rest.sites[1]!.name}`),
  ].map((row) => row.replace('Xq-secret', 'other'))
  writeFileSync(join(folder, 'named.csv'), `age,sex,hospital\n${pool.join('\n')}\n`)
  const { data } = await json('named', 'named.csv')
  expect(data.columns.map(({ column }: { column: string }) => column).toSorted()).toEqual(['age', 'sex'])
  expect(data.tvd2.distance).toBeGreaterThan(data.tvd2.most)
  expect(data.own_rows.tvd2.distance).toBeLessThanOrEqual(data.own_rows.tvd2.most)
  expect(await printed('named', '--cohort', join(folder, 'named.csv'))).toContain('nearer to it than the whole pool')
  writeFileSync(join(folder, 'named.csv'), `age,sex,hospital\n${pool.slice(1900).join('\n')}\n`)
  expect((await json('named', 'named.csv')).data.own_rows).toBeNull()
  expect((await json('whole', 'like')).data.own_rows).toBeNull()
  rmSync(join(folder, 'named.csv'))
})

it('a cohort that was chosen is not taken for the pool', async () => {
  expect((await json('whole', 'like')).data.asked).toBeNull()
  const release = join(folder, 'like', 'release.json')
  const says = (request: object) => writeFileSync(release, JSON.stringify({ tributary: 'release/1', request }))
  says({ rows: 5000, where: null })
  expect((await json('whole', 'like')).data).toMatchObject({ asked: null, verdict: expect.stringContaining('as near') })
  says({ where: 'age >= 60', reweight: [{ condition: 'sex = F', share: 0.5 }], balance: ['age', 'sex'] })
  const { data } = await json('whole', 'like')
  expect(data.asked).toBe('where age >= 60; reweight sex = F:0.5; balance age,sex')
  expect(data.verdict).toMatch(/^This cohort is not the pool: it was asked for with where age >= 60;/)
  says({ where: null, augment: { condition: 'sex = M', times: 3 }, set: ['sex = M'] })
  expect((await json('whole', 'like/data/cohort.csv')).data.asked).toBe('augment sex = M x3; set sex = M')
  rmSync(release)
})

it('R10 nothing is sent, nothing is written, and no value or exact count of a row is printed', async () => {
  const connect = vi.spyOn(Site.prototype, 'connect')
  const dial = vi.spyOn(Socket.prototype, 'connect')
  const before = contents()
  const text = (await printed('whole', '--cohort', join(folder, 'unlike'))) + JSON.stringify(await json('kept', 'like'))
  expect(text).toContain('Distance of single columns')
  expect(text).toContain('held-out patients')
  expect(connect).not.toHaveBeenCalled()
  expect(dial).not.toHaveBeenCalled()
  expect(contents()).toEqual(before)
  vi.restoreAllMocks()
  const rows = readFileSync(join(folder, 'rows.csv'), 'utf8').trimEnd().split('\n').slice(1)
  for (const row of rows)
    for (const value of [row.split(',')[0]!, row.split(',')[2]!]) expect(text).not.toContain(value)
  expect(text).not.toContain('secret')
  for (const count of ['3000', '2500']) expect(text).not.toMatch(new RegExp(`(?<![0-9])${count}(?![0-9])`))
})

it('another table than a cohort of this study is refused, by column and without a value', async () => {
  const other = join(folder, 'other.csv')
  writeFileSync(other, 'age,weight\n47.11111,80\n')
  expect(await json('whole', 'other.csv')).toMatchObject({ error_code: 'TABLE_INVALID', place: { column: 'sex' } })
  writeFileSync(other, 'age,sex\nhello-47.11111,M\n')
  const refused = await json('whole', 'other.csv')
  expect(refused).toMatchObject({ error_code: 'TABLE_INVALID', place: { column: 'age' } })
  expect(JSON.stringify(refused)).not.toContain('47.11111')
  writeFileSync(other, 'age,sex\n"47,M\n')
  expect(await json('whole', 'other.csv')).toMatchObject({ message: expect.stringContaining('never closed') })
  rmSync(other)
  expect(await json('whole', 'nowhere')).toMatchObject({ error_code: 'SOURCE_MISSING' })
  expect(await json('nothing', 'like')).toMatchObject({ error_code: 'NOT_FOUND' })
})
