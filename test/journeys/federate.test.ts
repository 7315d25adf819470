import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hospitals, simulatePatients, toCsv } from '../../deploy/local/patient-simulator.ts'
import type { RunReport } from '../../deploy/local/run-report.ts'
import { root } from '../harness/sources.ts'

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const sites = ['north', 'river', 'valley'] as const
const steps = 5

const study = `tributary: study/1
name: journey
purpose: Three small hospitals, to see that a whole run works.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male] }
  - { name: age, kind: numeric, bins: [18, 40, 60, 80], maximum: 95, integer: true }
  - { name: hypertension, kind: categorical, levels: ["no", "yes"] }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 8, steps: ${steps}, sampling_rate: 0.2 }
sites:
${sites.map((name) => `  - { name: ${name}, promised_patients: 400, promised_rows: 600 }`).join('\n')}
deadlines: { deal_seconds: 60, contribute_seconds: 120, answer_seconds: 60 }
`

let folder = ''

const federate = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const script = join(root, 'deploy/local/federate.ts')
    const child = spawn(process.execPath, ['--conditions=source', script, ...args], {
      cwd: root,
      env: { ...process.env, INIT_CWD: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })

const good = ['--study', 'study.yaml', ...sites.flatMap((name) => ['--site', `${name}=data/${name}.csv`])]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-journey-'))
  mkdirSync(join(folder, 'data'))
  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'notes.txt'), 'mine')
  writeFileSync(join(folder, 'study.yaml'), study)
  for (const [index, name] of sites.entries()) {
    const patients = simulatePatients({ ...hospitals[index]!, name, patients: 400 }, 1)
    writeFileSync(join(folder, 'data', `${name}.csv`), toCsv(patients))
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('federate', () => {
  it('three hospitals, real processes: model, cohort, run.json', async () => {
    const { code, stdout, stderr } = await federate(...good, '--out', 'out', '--rows', '500', '--seed', '3', '--json')
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trim().split('\n')).toHaveLength(1)
    const said = JSON.parse(stdout) as { status: string; data: RunReport }
    expect(said.status).toBe('ok')

    const report = JSON.parse(readFileSync(join(folder, 'out/run.json'), 'utf8')) as RunReport
    expect(said.data).toMatchObject(report)
    expect(report.epsilon.public).toBeGreaterThan(0)
    expect(report.epsilon.peer).toBeGreaterThanOrEqual(report.epsilon.public)
    expect(report.epsilon.peer).toBeLessThanOrEqual(4)
    expect(report.delta).toBe(0.00005)
    expect(report.engine).toMatch(/^(wasm|cpu|node|tensorflow)$/)
    expect(Object.keys(report.sites)).toEqual([...sites])
    for (const site of Object.values(report.sites)) {
      expect(site.epsilon).toBeGreaterThan(0)
      expect(site.epsilon).toBeLessThanOrEqual(report.epsilon.peer + 1e-6)
      expect(site.bytesSent).toBeGreaterThan(32_768 * (1 + steps))
      expect(site.bytesPerParameter).toBeGreaterThan(0)
      const contributions = site.sent.find(({ kind }) => kind === 'contribution')
      expect(contributions?.messages).toBeGreaterThanOrEqual(1 + steps)
      expect(site.sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(site.bytesSent)
      expect(site.peakMemoryBytes).toBeGreaterThan(2 ** 25)
    }
    expect(report.coordinator.peakMemoryBytes).toBeGreaterThan(2 ** 25)
    expect(Object.keys(report.seconds)).toEqual(['setup', 'marginals', 'training', 'cohort'])
    const opened = report.rounds.filter(({ contributors }) => contributors.length > 0)
    expect(opened).toHaveLength(1 + steps)
    for (const { id, contributors } of opened) {
      expect(id).toMatch(/^[0-9a-f]{64}$/)
      expect(contributors.toSorted()).toEqual([...sites])
    }
    expect(new Set(report.rounds.map(({ id }) => id)).size).toBe(report.rounds.length)
  })

  it('the cohort holds exactly the study’s columns, levels and units, and says that it is synthetic', () => {
    const csv = readFileSync(join(folder, 'out/cohort.csv'), 'utf8')
    const [header, ...rows] = csv.trimEnd().split(/\r?\n/)
    expect(header).toBe('sex,age,hypertension,_synthetic_release')
    expect(rows).toHaveLength(500)
    for (const row of rows) {
      const [sex = '', age = '', hypertension = ''] = row.split(',')
      expect(['female', 'male']).toContain(sex)
      expect(Number.isInteger(Number(age)) && Number(age) >= 18 && Number(age) <= 95).toBe(true)
      expect(['no', 'yes']).toContain(hypertension)
    }
    const metadata = readFileSync(join(folder, 'out/cohort.csv-metadata.json'), 'utf8')
    expect(metadata).toContain('SYNTHETIC')
    expect(metadata).toContain(createHash('sha256').update(csv).digest('hex'))
    expect(existsSync(join(folder, 'out/model.bin'))).toBe(true)
  })

  it('no patient key of any hospital is in what the run printed, logged or wrote', () => {
    const written = [
      'run.json',
      'cohort.csv',
      'study.json',
      ...['coordinator', ...sites].map((name) => `logs/${name}.log`),
    ]
    for (const file of written) {
      expect(readFileSync(join(folder, 'out', file), 'utf8')).not.toMatch(/\b(north|river|valley)-\d+\b/)
    }
  })

  it.each([
    ['a missing site', [...good.slice(0, -2), '--out', 'x1'], 'no --site for valley'],
    ['a site unknown to the study', [...good, '--site', 'lake=data/north.csv', '--out', 'x2'], 'does not know lake'],
    ['no study', [...good.slice(2), '--out', 'x3'], '--study is missing'],
    ['a folder that is not empty', [...good, '--out', 'full'], 'not empty'],
    ['a folder that holds the data', [...good, '--out', 'data'], 'lies inside --out'],
  ])('%s ends with exit 4, a code and a hint, before any process starts', async (_, args, message) => {
    const { code, stdout, stderr } = await federate(...args, '--json')
    expect(code).toBe(4)
    const said = JSON.parse(stdout) as { status: string; error_code: string; message: string; hint: string }
    expect(said).toMatchObject({ status: 'error', error_code: 'ARGUMENT_INVALID' })
    expect(said.message).toContain(message)
    expect(said.hint).not.toBe('')
    expect(stderr).toBe('')
  })

  it('a table that does not fit names the hospital, the column and the line, and shows no cell', async () => {
    const text = readFileSync(join(folder, 'data/valley.csv'), 'utf8')
    writeFileSync(join(folder, 'data/broken.csv'), text.replace(/^(valley-7,\d+),(female|male)/m, '$1,unheard-of'))
    const sitesWithBroken = good.map((part) => part.replace('data/valley.csv', 'data/broken.csv'))
    const { code, stdout, stderr } = await federate(...sitesWithBroken, '--out', 'x5', '--json')
    expect(code).toBe(1)
    const said = JSON.parse(stdout) as { error_code: string; message: string }
    expect(said.error_code).toBe('TABLE_INVALID')
    expect(said.message).toMatch(/^valley, column \w+, row \d+: [^\n]+ \(there are 1 to 9\)$/)
    expect(stdout + stderr + readFileSync(join(folder, 'x5/logs/valley.log'), 'utf8')).not.toContain('unheard-of')
    expect(existsSync(join(folder, 'x5/run.json'))).toBe(false)
  })

  it('a broken study file is refused by line', async () => {
    writeFileSync(join(folder, 'broken.yaml'), study.replace('unit: patient', 'unit: person'))
    const { code, stderr } = await federate(...good.slice(2), '--study', 'broken.yaml', '--out', 'x4')
    expect(code).toBe(4)
    expect(stderr).toContain('MANIFEST_INVALID')
    expect(stderr).toMatch(/broken\.yaml:9\b/)
    expect(existsSync(join(folder, 'x4'))).toBe(false)
  })
})
