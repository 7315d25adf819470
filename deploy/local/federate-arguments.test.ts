import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { federateArguments, requireSameSites } from './federate-arguments.ts'
import { markRunFolder } from './run-folder.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-arguments-'))
  for (const file of ['study.yaml', 'north.csv', 'river.csv']) writeFileSync(join(folder, file), 'x\n')
  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'file'), 'x')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const good = ['--study', 'study.yaml', '--site', 'north=north.csv', '--site', 'river=river.csv', '--out', 'new']
const without = (flag: string) => good.filter((_, index) => good[index] !== flag && good[index - 1] !== flag)

describe('federate: arguments', () => {
  it('resolves paths against where the user stands', () => {
    const asked = federateArguments([...good, '--rows', '10', '--seed', '7', '--json'], folder)
    expect(asked).toEqual({
      study: join(folder, 'study.yaml'),
      sites: [
        { name: 'north', path: join(folder, 'north.csv') },
        { name: 'river', path: join(folder, 'river.csv') },
      ],
      out: join(folder, 'new'),
      rows: 10,
      seed: 7,
      json: true,
      force: false,
    })
  })

  it.each([
    ['no study', without('--study'), '--study is missing'],
    ['no out', without('--out'), '--out is missing'],
    ['no sites', without('--site'), 'at least twice'],
    ['one site twice', [...good, '--site', 'north=north.csv'], 'given twice'],
    ['a site without a path', [...good, '--site', 'valley='], 'NAME=PATH'],
    ['a site with a bad name', [...good, '--site', 'Valley=north.csv'], 'a name is'],
    ['a file that is not there', [...good, '--site', 'valley=nowhere.csv'], 'there is no file'],
    ['a study that is not there', [...without('--study'), '--study', 'nowhere.yaml'], 'there is no file'],
    ['a full folder', [...without('--out'), '--out', 'full'], 'not empty'],
    ['rows that are no number', [...good, '--rows', 'many'], '--rows must be'],
    ['rows below one', [...good, '--rows', '0'], '--rows must be'],
    ['a negative seed', [...good, '--seed=-1'], '--seed must be'],
    ['an unknown flag', [...good, '--epsilon', '9'], "Unknown option '--epsilon'"],
    ['a stray word', [...good, 'north.csv'], 'Unexpected argument'],
  ])('%s is refused by name', (_, args, message) => {
    expect(() => federateArguments(args, folder)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => federateArguments(args, folder)).toThrow(message)
  })

  it('with --force the folder of an earlier run is taken, and nobody else’s', () => {
    const full = [...without('--out'), '--out', 'full', '--force']
    const refused = expect.objectContaining({ code: 'ARGUMENT_INVALID' })
    expect(() => federateArguments(full, folder)).toThrow(refused)
    writeFileSync(join(folder, 'full', 'run.json'), '{"scripts": {}}')
    expect(() => federateArguments(full, folder)).toThrow('holds no earlier run')
    writeFileSync(join(folder, 'full', 'run.json'), '{"study": "ab", "rounds": []}')
    expect(federateArguments(full, folder)).toMatchObject({ force: true })
    rmSync(join(folder, 'full', 'run.json'))
    markRunFolder(join(folder, 'full'))
    expect(federateArguments(full, folder)).toMatchObject({ force: true })
    expect(() => federateArguments([...without('--out'), '--out', 'full'], folder)).toThrow('not empty')
  })

  it('a run never replaces what it reads', () => {
    const at = join(folder, 'mine')
    markRunFolder(at)
    mkdirSync(join(at, 'data'))
    for (const name of ['data/north.csv', 'study.json']) writeFileSync(join(at, name), 'x')
    symlinkSync(at, join(folder, 'link'))
    const site = [...good.slice(0, 2), '--site', 'north=mine/data/north.csv', '--site', 'river=river.csv', '--force']
    expect(() => federateArguments([...site, '--out', 'mine'], folder)).toThrow('--site north')
    expect(() => federateArguments([...site, '--out', 'link'], folder)).toThrow('lies inside')
    expect(() => federateArguments([...site, '--out', 'mine/data'], folder)).toThrow('lies inside')
    expect(federateArguments([...site, '--out', 'mine/new'], folder)).toMatchObject({ force: true })
    const study = ['--study', 'mine/study.json', ...without('--study'), '--force']
    expect(() => federateArguments([...study, '--out', 'mine'], folder)).toThrow('--study')
  })

  it('sites must be exactly those of the study', () => {
    expect(() => requireSameSites(['north', 'river'], ['river', 'north'])).not.toThrow()
    expect(() => requireSameSites(['north', 'river'], ['north', 'lake'])).toThrow(
      'no --site for river; the study does not know lake',
    )
  })
})
