import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Federation } from '../../deploy/local/federation.ts'
import { hospitals, simulatePatients, toCsv } from '../../deploy/local/patient-simulator.ts'
import { listField } from '../../deploy/local/program.ts'
import { requireAbility } from '../harness/requirement.ts'

/* A hospital whose disk fills up in the middle of a run: its outbox lies on a file system of its own with a few KB left. */
const sites = ['north', 'river', 'west'] as const
const study = `tributary: study/1
name: disk-full
purpose: A hospital whose disk fills up, and is emptied again.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male] }
  - { name: age, kind: numeric, bins: [18, 40, 60, 80], maximum: 95, integer: true }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 4, steps: 20, sampling_rate: 0.3, spares: { marginals: 2, gradient: 8 } }
sites:
${sites.map((name) => `  - { name: ${name}, promised_patients: 200, promised_rows: 200 }`).join('\n')}
deadlines: { deal_seconds: 60, contribute_seconds: 60, answer_seconds: 60 }
`

const folder = mkdtempSync(join(tmpdir(), 'tributary-disk-full-'))
const disk = join(folder, 'disk')
mkdirSync(disk)
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status === 0

let federation: Federation | undefined
afterAll(async () => {
  await federation?.close()
  for (const place of [join(folder, 'data', 'west', 'volatile'), disk]) spawnSync('umount', [place])
  rmSync(folder, { recursive: true, force: true })
})

const until = async (what: string, holds: () => boolean): Promise<void> => {
  const deadline = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

requireAbility(
  'a full disk',
  'mounting a tmpfs needs root',
  mounted,
)('a disk that fills up', () => {
  const filler = join(disk, 'filler')

  beforeAll(async () => {
    const files = sites.map((name, index) => {
      const path = join(folder, `${name}.csv`)
      writeFileSync(path, toCsv(simulatePatients({ ...hospitals[index]!, name, patients: 200 }, 1)))
      return { name, path }
    })
    const manifest = freezeStudy(parseStudy(study, 'disk-full.yaml').draft)
    federation = new Federation({ manifest, sites: files, folder, seed: 1 })
    await federation.open()
    const volatile = join(folder, 'data', 'west', 'volatile')
    cpSync(volatile, disk, { recursive: true })
    spawnSync('mount', ['--bind', disk, volatile])
  })

  it('is named by code, leaves nothing half-written, and the run goes on once there is space', async () => {
    const run = federation!
    run.startAgents()
    const log = join(folder, 'logs', 'west.log')
    await until('a first round', () => existsSync(log) && readFileSync(log, 'utf8').includes('"answered"'))
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(filler, new Uint8Array(bavail * bsize))
    await until('DISK_FULL in the log', () => readFileSync(log, 'utf8').includes('"DISK_FULL"'))
    const half = readdirSync(disk, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && /part|tmp|^\./.test(entry.name),
    )
    expect(half).toEqual([])
    rmSync(filler)
    const ended = await run.untilFinished(() => {})
    expect(ended.state).toBe('completed')
    for (const site of sites) {
      const [budget] = listField(await run.budget(site), 'studies')
      const charged = ((budget?.['attempts'] ?? []) as { charged: number }[]).reduce(
        (sum, each) => sum + each.charged,
        0,
      )
      expect(charged).toBeGreaterThanOrEqual(21)
    }
  })
})
