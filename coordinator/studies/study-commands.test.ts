import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isErrorCode } from '@tributary/shared/errors'
import { Command } from 'commander'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { pointToOtherPrograms } from './other-programs.ts'
import { addStudyCommands } from './study-commands.ts'

const samples = new URL('../../deploy/samples/studies/', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'study-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What `PROGRAM study ...` writes to stdout. */
const runAs = (name: 'coordinator' | 'tributary', ...words: string[]): string => {
  let out = ''
  const program = new Command(name).exitOverride().configureOutput({ writeOut: (text) => (out += text) })
  addStudyCommands(program)
  program.parse(['study', ...words], { from: 'user' })
  return out
}
const run = (...words: string[]): string => runAs('coordinator', ...words)
const scratch = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && isErrorCode(error.code))
      return `${error.code} ${error.message}`
    throw error
  }
  return 'ok'
}

describe('study validate', () => {
  it.each(['diabetes5-row.yaml', 'diabetes5-patient.yaml', 'heart4.yaml', 'demo.yaml', 'first-steps.yaml'])(
    'admits the sample %s',
    (file) => {
      const data = JSON.parse(run('validate', join(samples, file), '--json'))
      expect(data).toMatchObject({ schema_version: 1, status: 'ok' })
      expect(data.data.price.epsilon.target.epsilon).toBeGreaterThan(0)
      expect(data.data.manifest).toMatch(/^[0-9a-f]{64}$/)
    },
  )

  it('prints slack, epsilon to each observer, odds, bytes, rounds, thresholds and the delta flag', () => {
    const text = run('validate', join(samples, 'diabetes5-row.yaml'))
    for (const part of [
      /who +misses +epsilon +50 % sure -> +knows/,
      /the public +5 +[23]\.\d+ +96 % +the generator/,
      /the coordinator +5 +[23]\.\d+ +96 % +every opened sum; who took part/,
      /another hospital +4 +3\.\d+ +98 % +the model of every round/,
      /the coordinator and 4 hospitals +1 +1\d\.\d+ \* +practically 100 % +one hospital's sum alone/,
      /a patient with 40 rows in one hospital +5 +\d+/,
      /a patient with one row in each of 2 hospitals +5 +6\.\d+/,
      /charged to each patient ledger/,
      /family autoregressive\n {2}The study names the autoregressive network/,
      /query gradient: 300 steps.*\n {2}one step of training: the sum of clipped gradients; about [\d.]+ % of the rows, drawn in secret\n/,
      /FLAG: delta is above 1\/\(10 N\)/,
      /slack [\d.]+ % of the clip norm/,
      /must contribute +5 +nobody may be lost before contributing; a plan may allow for 1\n/,
      /federation: 5 sites; colluders c 0, threshold t 3, least contributors 5\n/,
      /the coordinator and 4 hospitals, in a sum of 5, take off what they sent/,
      /the coordinator and 3 hospitals could open what one site sent alone: 3 shares of its key/,
      /must answer +3 +2 of 5 may be lost/,
      /rounds: 301, with spares 308/,
      /each site sends +\d+\.\d MB/,
    ])
      expect(text).toMatch(part)
  })

  it('refuses a lowered noise multiplier by its line', () => {
    const honest = readFileSync(join(samples, 'heart4.yaml'), 'utf8')
    const lines = honest.split('\n')
    const at = lines.findLastIndex((line) => line.includes('noise_multiplier:'))
    lines[at] = lines[at]!.replace(/[\d.]+$/, '2.5')
    const error = codeOf(() => run('validate', scratch('cheat.yaml', lines.join('\n'))))
    expect(error).toMatch(/^PLAN_REFUSED .*cheat\.yaml:\d+ plan\.queries\[1\]\.grid\.step/)
  })

  it('names a file that is not there or not UTF-8', () => {
    expect(codeOf(() => run('validate', join(folder, 'none.yaml')))).toMatch(/^NOT_FOUND .*none\.yaml/)
    const file = join(folder, 'latin.yaml')
    writeFileSync(file, Buffer.from([0x6e, 0xe9, 0x0a]))
    expect(codeOf(() => run('validate', file))).toMatch(/^MANIFEST_INVALID .*not UTF-8/)
  })
})

describe('study plan', () => {
  const frozen = readFileSync(join(samples, 'heart4.yaml'), 'utf8')
  const draft = frozen.slice(0, frozen.indexOf('\nplan:') + 1)

  it('prints, writes or writes elsewhere the same planned study', () => {
    const file = scratch('draft.yaml', draft)
    const beside = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(run('plan', file)).toBe(frozen)
    expect(String(beside.mock.calls[0]?.[0])).toMatch(/^The study names the autoregressive network/)
    beside.mockRestore()
    const other = join(folder, 'study.yaml')
    expect(run('plan', file, '--out', other)).toContain(`study validate ${other}`)
    expect(JSON.parse(run('plan', file, '--json'))).toMatchObject({ status: 'ok', data: { written: null } })
    expect(readFileSync(other, 'utf8')).toBe(frozen)
    expect(readFileSync(file, 'utf8')).toBe(draft)
    run('plan', file, '--write')
    expect(readFileSync(file, 'utf8')).toBe(frozen)
  })

  it.each(['coordinator', 'tributary'] as const)('%s tells people to run itself', (name) => {
    const file = scratch('mine.yaml', draft)
    expect(codeOf(() => runAs(name, 'validate', file))).toContain(`\`${name} study plan FILE --write\``)
    expect(runAs(name, 'plan', file, '--write')).toContain(`next: ${name} study validate ${file}`)
  })

  it.each([
    ['{ name: auto }', 'The rule auto chose the mixture', 'every row once', ['marginals', 'pairs']],
    ['{ name: mixture }', 'The study names the mixture', 'every row once', ['marginals', 'pairs']],
    ['{ name: gan, steps: 9 }', 'The study names the gan', 'drawn in secret', ['marginals', 'gradient']],
  ])('says why %s, and in plain words what each of its queries asks', (family, why, unit, kinds) => {
    const file = scratch('family.yaml', draft.replace(/\nfamily:[\s\S]*?(?=\n[a-z])/, `\nfamily: ${family}`))
    expect(run('plan', file, '--write')).toContain(why)
    const text = run('validate', file)
    expect(text).toContain(why)
    expect(text).toContain(unit)
    const { family: sentences, plan } = JSON.parse(run('validate', file, '--json')).data
    expect(sentences[0]).toContain(why)
    expect(plan.queries.map(({ kind }: { kind: string }) => kind)).toEqual(kinds)
    expect(JSON.parse(run('plan', file, '--json')).data.family).toEqual(sentences)
  })

  it('replaces a broken plan', () => {
    const broken = scratch('broken.yaml', `${draft}plan:\n  threshold: none\n`)
    expect(run('plan', broken)).toBe(frozen)
  })

  it('leaves the file alone when the draft is refused', () => {
    const bad = draft.replace('epsilon: 1', 'epsilon: 0')
    const file = scratch('bad.yaml', bad)
    expect(codeOf(() => run('plan', file, '--write'))).toMatch(/^MANIFEST_INVALID .*bad\.yaml:\d+ privacy\.epsilon/)
    expect(readFileSync(file, 'utf8')).toBe(bad)
  })
})

it('a command of another program is refused with who has it, and not listed', () => {
  const program = new Command('tributary').exitOverride()
  addStudyCommands(program)
  pointToOtherPrograms(program)
  const study = program.commands.find((command) => command.name() === 'study')
  expect(study?.helpInformation()).not.toMatch(/show|publish/)
  expect(() => program.parse(['study', 'show', 'ckd', '--data-dir', 'x'], { from: 'user' })).toThrow(
    expect.objectContaining({
      code: 'ARGUMENT_INVALID',
      help: expect.stringContaining('coordinator study show STUDY'),
    }),
  )
})

it('study schema prints the published JSON Schema', () => {
  const published = readFileSync(new URL('../../docs/study.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(run('schema'))).toEqual(JSON.parse(published))
})
