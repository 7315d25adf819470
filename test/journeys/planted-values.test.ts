import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Federation } from '../../deploy/local/federation.ts'
import { type CommandOutcome, runCommandLine } from '../harness/command-line.ts'

/*
 * Values planted in patients' rows, good ones, ragged ones and ill-typed ones, are looked for in everything that a run prints,
 * logs or writes outside the hospitals' own data directories: the coordinator's stores, models and cohort included.
 */
const sites = ['north', 'river', 'west'] as const
const study = `tributary: study/1
name: planted
purpose: Three small hospitals whose rows hold values that must not be found anywhere else.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male, other], other: other }
  - { name: weight, kind: numeric, bins: [30, 60, 90], maximum: 150, outside: clamp, missing: level }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 4, steps: 3, sampling_rate: 0.3 }
sites:
${sites.map((name) => `  - { name: ${name}, promised_patients: 200, promised_rows: 200 }`).join('\n')}
`

/** Texts and numbers that no public fact, hash or counter looks like. */
const texts = ['Quillfeather', 'Zzyzx-Patient', 'Ünïque-Näme', 'n0tAPublicLevel']
const numbers = [77.31415926, 64.2718281828]

const rowsOf = (site: string): string =>
  Array.from({ length: 200 }, (_, i) => {
    const weight = i % 7 === 0 ? numbers[i % numbers.length] : 40 + (i % 60)
    const sex = i % 11 === 0 ? texts[3] : i % 2 === 0 ? 'female' : 'male'
    return `${texts[1]}-${site}-${i},${sex},${weight},"${texts[i % 3]}, ${texts[0]}"`
  }).join('\n')
const header = 'patient,sex,weight,note'

/** Files that cannot be approved: what is wrong with them holds a planted value itself. */
const illFiles = {
  ragged: `${header}\n${texts[0]},female\n${rowsOf('x')}\n`,
  'ill-typed': `${header}\n${texts[0]},male,${texts[2]},x\n${rowsOf('x')}\n`,
  'no-key': `${header}\n,male,${numbers[0]},${texts[0]}\n${rowsOf('x')}\n`,
  quote: `${header}\n"${texts[0]},male,50,x\n${rowsOf('x')}\n`,
  headless: `${rowsOf('x')}\n`,
  latin: Buffer.from(`${header}\n${texts[2]},male,50,x\n`, 'latin1'),
}

/** Sealed contributions are gone once their round is opened: they are searched while they lie there. */
const sealed = new Map<string, readonly string[]>()
const watchSealed = (directory: string): void => {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || sealed.has(path)) continue
    try {
      sealed.set(path, found(readFileSync(path)))
    } catch {
      // taken away since the folder was listed
    }
  }
}

let folder = ''
let federation: Federation
const outcomes: CommandOutcome[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-planted-'))
  const files = sites.map((name) => {
    const path = join(folder, `${name}.csv`)
    writeFileSync(path, `${header}\n${rowsOf(name)}\n`)
    return { name, path }
  })
  const manifest = freezeStudy(parseStudy(study, 'study.yaml').draft)
  federation = new Federation({ manifest, sites: files, folder: join(folder, 'run'), seed: 1 })
  await federation.open()
  const north = ['--data-dir', join(folder, 'run', 'data', 'north')]
  for (const [name, content] of Object.entries(illFiles)) {
    const path = join(folder, `${name}.csv`)
    writeFileSync(path, content)
    const approve = ['study', 'approve', federation.study, '--source', name, '--confirm', federation.study, ...north]
    outcomes.push(await runCommandLine('site-agent', ['source', 'add', name, '--path', path, ...north]))
    outcomes.push(await runCommandLine('site-agent', approve))
    outcomes.push(await runCommandLine('site-agent', [...approve, '--json']))
  }
  federation.startAgents()
  const inFlight = join(folder, 'run', 'data', 'coordinator', 'contributions')
  const watch = setInterval(() => watchSealed(inFlight), 20)
  await federation.untilFinished(() => {})
  clearInterval(watch)
  await federation.cohort(300, join(folder, 'run', 'cohort.csv'))
  await federation.exportModel(join(folder, 'run', 'model.bin'))
  for (const binary of ['status', 'egress', 'budget show', 'study ls', 'source ls'])
    outcomes.push(await runCommandLine('site-agent', [...binary.split(' '), ...north]))
  await federation.close()
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As text in the encodings somebody could have written it in, and a number as the bytes of its floats. */
const forms = [
  ...texts.flatMap((text) => [
    ...(['utf8', 'utf16le', 'latin1'] as const).map((encoding) => Buffer.from(text, encoding)),
    Buffer.from(Buffer.from(text).toString('hex')),
    // The middle of its base64, whichever byte of a group it began at.
    ...[0, 1, 2].map((skip) => Buffer.from(Buffer.from(text.slice(skip)).toString('base64').slice(0, 12))),
  ]),
  ...numbers.flatMap((value) => {
    const floats = Buffer.alloc(20)
    floats.writeDoubleLE(value, 0)
    floats.writeDoubleBE(value, 8)
    floats.writeFloatLE(value, 16)
    return [Buffer.from(String(value)), floats.subarray(0, 8), floats.subarray(8, 16)]
  }),
]

const found = (bytes: Buffer): string[] => forms.filter((form) => bytes.includes(form)).map((form) => form.toString())

it('no command that was refused or that shows something printed a planted value', () => {
  const refused = outcomes.filter(({ code }) => code !== 0)
  // Each bad file: refused twice, by words and as JSON.
  expect(refused).toHaveLength(2 * Object.keys(illFiles).length)
  for (const { stdout, stderr } of outcomes) expect(found(Buffer.from(stdout + stderr))).toEqual([])
})

it('no log, store, model, cohort or any other file outside the hospitals’ data directories holds one', () => {
  const run = join(folder, 'run')
  const own = sites.map((site) => join(run, 'data', site))
  const files = readdirSync(run, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !own.some((directory) => path.startsWith(`${directory}/`)))
  const names = files.map((path) => path.slice(run.length + 1))
  expect(names).toEqual(expect.arrayContaining(['cohort.csv', 'model.bin', 'logs/coordinator.log', 'logs/north.log']))
  expect(names.some((name) => name.startsWith('data/coordinator/models/'))).toBe(true)
  expect(sealed.size).toBeGreaterThan(0)
  for (const [path, values] of sealed) expect(values, path).toEqual([])
  for (const path of files) expect(found(readFileSync(path)), path).toEqual([])
})

it('not even a hospital’s own directory holds a row: its stores keep paths, hashes and sealed bytes', () => {
  for (const site of sites) {
    const directory = join(folder, 'run', 'data', site)
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name)
        expect(found(readFileSync(path)), path).toEqual([])
      }
  }
})

it('the search finds what is there: each planted value in the tables themselves', () => {
  const table = readFileSync(join(folder, 'north.csv'))
  expect(found(table)).toEqual(expect.arrayContaining([...texts, ...numbers.map(String)]))
  const floats = Buffer.alloc(8)
  floats.writeDoubleLE(numbers[0] ?? 0)
  expect(found(Buffer.concat([Buffer.from('x'), floats]))).toHaveLength(1)
  expect(found(Buffer.from(Buffer.from(`a${texts[0]}b`).toString('base64'))).length).toBeGreaterThan(0)
})
