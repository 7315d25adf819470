import { isUtf8 } from 'node:buffer'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Federation, type StudyProgress } from '../../deploy/local/federation.ts'
import type { Json } from '../../deploy/local/program.ts'
import { releaseCohort } from '../../deploy/local/researcher.ts'
import { type CommandOutcome, runCommandLine } from '../harness/command-line.ts'

/*
 * Values planted in patients' rows, good ones, ragged ones and ill-typed ones, are looked for in everything that a run prints,
 * logs, answers or writes outside the hospitals' own data directories: the coordinator's stores, models, cohort, release and HTTP
 * answers included. One hospital's table goes bad after it was approved.
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
${sites.map((name) => `  - { name: ${name}, promised_patients: 250, promised_rows: 400 }`).join('\n')}
`

/** Texts and numbers that no public fact, hash or counter looks like. */
const texts = ['Quillfeather', 'Zzyzx-Patient', 'Ünïque-Näme', 'n0tAPublicLevel']
const numbers = [77.31415926, 64.2718281828]

const rowsOf = (site: string): string =>
  Array.from({ length: 200 }, (_, i) => {
    // Two planted numbers in a row: as float32 they are looked for in pairs (`findings`).
    const weight = i % 7 < 2 ? numbers[i % 7] : 40 + (i % 60)
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

/** What west's table becomes once it is approved: R10 has it contribute all the same. */
const gone = `${header}
${Array.from({ length: 40 }, (_, i) =>
  [
    `${texts[1]}-late-${i},female`,
    `${texts[1]}-wide-${i},male,50,x,${texts[0]},${numbers[0]}`,
    `${texts[1]}-typed-${i},${texts[0]},${texts[2]},${texts[3]}`,
    `,male,${numbers[1]},${texts[0]}`,
    `${texts[1]}-far-${i},male,-${numbers[0]}e300,${texts[2]}`,
    `${texts[1]}-good-${i},male,${numbers[i % 2]},${texts[0]}`,
  ].join('\n'),
).join('\n')}
`

/** Sealed contributions are gone once their round is opened: they are searched while they lie there. */
const sealed = new Map<string, readonly string[]>()
const watchSealed = (directory: string): void => {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile()) continue
    try {
      // A contribution grows where it lies as its parts arrive.
      const { size, mtimeMs } = statSync(path)
      const version = `${path} at ${size} ${mtimeMs}`
      if (!sealed.has(version)) sealed.set(version, findings(path, readFileSync(path)))
    } catch {
      // taken away since the folder was listed
    }
  }
}

let folder = ''
let federation: Federation
let ended: StudyProgress
const contributed: Json[] = []
const outcomes: CommandOutcome[] = []
/** By what was asked. */
const answers = new Map<string, { readonly status: number; readonly text: string }>()

const askOverHttp = async (token: string, path: string, body?: object): Promise<void> => {
  const response = await fetch(`${federation.http}/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  answers.set(path, { status: response.status, text: await response.text() })
}

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
  writeFileSync(join(folder, 'west.csv'), gone)
  federation.startAgents()
  const inFlight = join(folder, 'run', 'data', 'coordinator', 'contributions')
  const watch = setInterval(() => watchSealed(inFlight), 20)
  ended = await federation.untilFinished(() => {})
  clearInterval(watch)
  await federation.cohort(300, join(folder, 'run', 'cohort.csv'))
  await federation.exportModel(join(folder, 'run', 'model.bin'))
  const order = { rows: 120, where: 'sex = female', seed: 3 }
  await releaseCohort(federation, { ...order, purpose: 'a search' }, join(folder, 'run', 'release'), () => {})
  const token = readFileSync(await federation.addUser('searcher'), 'utf8').trim()
  for (const path of ['generators', 'generators/planted', 'requests']) await askOverHttp(token, path)
  await askOverHttp(token, 'generators/planted/plan', order)
  for (const site of sites)
    contributed.push((await federation.egress(site)).find(({ kind }) => kind === 'contribution') ?? {})
  for (const binary of ['status', 'egress', 'budget show', 'study ls', 'source ls'])
    outcomes.push(await runCommandLine('site-agent', [...binary.split(' '), ...north]))
  await federation.close()
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As text in the encodings somebody could have written it in, and a number as the bytes of its doubles. */
const forms = [
  ...texts.flatMap((text) => [
    ...(['utf8', 'utf16le', 'latin1'] as const).map((encoding) => Buffer.from(text, encoding)),
    Buffer.from(Buffer.from(text).toString('hex')),
    // The middle of its base64, whichever byte of a group it began at.
    ...[0, 1, 2].map((skip) => Buffer.from(Buffer.from(text.slice(skip)).toString('base64').slice(0, 12))),
  ]),
  ...numbers.flatMap((value) => {
    const doubles = Buffer.alloc(16)
    doubles.writeDoubleLE(value, 0)
    doubles.writeDoubleBE(value, 8)
    return [Buffer.from(String(value)), doubles.subarray(0, 8), doubles.subarray(8, 16)]
  }),
]

const singles = numbers.flatMap((value) => {
  const floats = Buffer.alloc(8)
  floats.writeFloatLE(value, 0)
  floats.writeFloatBE(value, 4)
  return [floats.subarray(0, 4), floats.subarray(4, 8)]
})

const found = (bytes: Buffer): string[] => forms.filter((form) => bytes.includes(form)).map((form) => form.toString())

const placesOf = (form: Buffer, bytes: Buffer): number[] => {
  const places: number[] = []
  for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + 1)) places.push(at)
  return places
}

/** Bytes from one planted float32 to the next in which the rows' other columns would fit. */
const near = 64

/**
 * A float32 has 4 bytes, which turn up by chance in what is sealed, signed or compressed. In files of text one is enough: a program
 * that prints text prints no such bytes. Elsewhere two must lie `near` one another, as rows beside one another do (`rowsOf`): among
 * n random bytes n x 4 forms x 4 forms x 64 places / 2^64 = 5.6e-17 n, so below 1e-6 up to 18 GB.
 */
const floatsIn = (path: string, bytes: Buffer): string[] => {
  const places = singles.flatMap((form) => placesOf(form, bytes)).sort((a, b) => a - b)
  const isText = /\.(log|csv|json|jsonl|html|txt|md|yaml|token|sha256)$/.test(path)
  const isFound = isText ? places.length > 0 : places.some((at, i) => at - (places[i - 1] ?? -Infinity) <= near)
  return isFound ? ['float32'] : []
}

const findings = (path: string, bytes: Buffer): string[] => [...found(bytes), ...floatsIn(path, bytes)]

it('no command that was refused or that shows something printed a planted value', () => {
  const refused = outcomes.filter(({ code }) => code !== 0)
  // Each bad file: refused twice, by words and as JSON.
  expect(refused).toHaveLength(2 * Object.keys(illFiles).length)
  for (const { stdout, stderr } of outcomes) expect(found(Buffer.from(stdout + stderr))).toEqual([])
})

it('a table that goes bad after its approval: its hospital contributes to every round as the others do (R10)', () => {
  expect(ended.state).toBe('completed')
  expect(Number(contributed[0]?.['messages'])).toBeGreaterThanOrEqual(4)
  // Each message holds its site's name, and nothing else of a length of its own.
  const nameless = contributed.map(({ messages, bytes }, place) => ({
    messages,
    bytes: Number(bytes) - Number(messages) * (sites[place]?.length ?? 0),
  }))
  for (const each of nameless) expect(each).toEqual(nameless[0])
  const log = readFileSync(join(folder, 'run', 'logs', 'west.log'), 'utf8')
  expect(log).toContain('contributed')
  expect(findings('west.log', Buffer.from(log))).toEqual([])
})

it('no answer to a researcher holds one', () => {
  expect([...answers.keys()]).toHaveLength(4)
  for (const [path, { status, text }] of answers) {
    expect(status, `${path} ${text}`).toBe(200)
    expect(text.length, path).toBeGreaterThan(10)
    expect(findings(`${path}.json`, Buffer.from(text)), path).toEqual([])
  }
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
  for (const start of ['data/coordinator/models/', 'data/researcher/', 'release/'])
    expect(
      names.some((name) => name.startsWith(start)),
      start,
    ).toBe(true)
  expect(names.filter((name) => /^release\/.*report.*\.html$/.test(name)).length).toBeGreaterThan(0)
  expect(sealed.size).toBeGreaterThan(0)
  for (const [path, values] of sealed) expect(values, path).toEqual([])
  for (const path of files) expect(findings(path, readFileSync(path)), path).toEqual([])
})

it('not even a hospital’s own directory holds a row: its stores keep paths, hashes and sealed bytes', () => {
  for (const site of sites) {
    const directory = join(folder, 'run', 'data', site)
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name)
        expect(findings(path, readFileSync(path)), path).toEqual([])
      }
  }
})

it('the search finds what is there: each planted value in the tables themselves', () => {
  const table = readFileSync(join(folder, 'north.csv'))
  expect(found(table)).toEqual(expect.arrayContaining([...texts, ...numbers.map(String)]))
  const floats = Buffer.alloc(8)
  floats.writeDoubleLE(numbers[0] ?? 0)
  expect(found(Buffer.concat([Buffer.from('x'), floats]))).toHaveLength(1)
  const columns = Buffer.alloc(24)
  columns.writeFloatLE(numbers[0] ?? 0, 1)
  expect(findings('any.sqlite', columns)).toEqual([])
  expect(findings('any.log', columns)).toEqual(['float32'])
  columns.writeFloatLE(numbers[1] ?? 0, 17)
  expect(findings('any.sqlite', columns)).toEqual(['float32'])
  expect(findings('any.sqlite', Buffer.from(columns).swap32())).toEqual([]) // neither lies at a multiple of four here
  expect(findings('any.sqlite', Buffer.from(columns.subarray(1, 21)).swap32())).toEqual(['float32'])
  // Each of the four bytes is there, and no text of one's own can hold them.
  for (const single of singles) expect(isUtf8(single)).toBe(false)
  expect(found(readFileSync(join(folder, 'west.csv'))).length).toBeGreaterThan(4)
  expect(found(Buffer.from(Buffer.from(`a${texts[0]}b`).toString('base64'))).length).toBeGreaterThan(0)
})
