import { spawnSync } from 'node:child_process'
import {
  closeSync,
  cpSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { studyId } from '@tributary/shared/ids'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { roundsPath } from '../../coordinator/coordinator.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { Federation } from '../../deploy/local/federation.ts'
import { hospitals, simulatePatients, toCsv } from '../../deploy/local/patient-simulator.ts'
import { type Json, listField } from '../../deploy/local/program.ts'
import { runCommandLine } from '../harness/command-line.ts'
import { requireAbility } from '../harness/requirement.ts'

/* A hospital whose disk fills up in the middle of a run: its outbox lies on a small file system of its own. */
const sites = ['north', 'river', 'west'] as const
const study = `tributary: study/1
name: disk-full
purpose: A hospital whose disk fills up, and is emptied again.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male] }
  - { name: age, kind: numeric, bins: [18, 40, 60, 80], maximum: 95, integer: true }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 25000, steps: 8, sampling_rate: 0.3, spares: { marginals: 2, gradient: 20 } }
sites:
${sites.map((name) => `  - { name: ${name}, promised_patients: 250, promised_rows: 400 }`).join('\n')}
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

/** Takes what room there is, whoever else writes meanwhile, and gives `leave` bytes of it back. */
const fill = (path: string, leave: number): void => {
  const handle = openSync(path, 'a')
  let length = 0
  for (let piece = 1 << 16; piece >= 512; ) {
    try {
      length += writeSync(handle, new Uint8Array(piece))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown
      piece >>= 1
    }
  }
  if (leave > 0) ftruncateSync(handle, Math.max(0, length - leave))
  closeSync(handle)
}

const sealed = join(disk, 'outbox', 'sealed')

/** Names in the outbox whose file is not what its name says: SHA-256 of all its bytes. */
const halfWritten = (): string[] =>
  readdirSync(sealed).filter((name) => {
    try {
      return hashBytes(new Uint8Array(readFileSync(join(sealed, name)))) !== name
    } catch {
      return false // taken away since the folder was listed
    }
  })

/** Those that are there at every look of two seconds: what a write in progress has there is gone at the next. */
const leftHalfWritten = async (): Promise<string[]> => {
  let left = halfWritten()
  for (let look = 0; look < 9; look++) {
    await new Promise((resolve) => setTimeout(resolve, 220))
    const now = new Set(halfWritten())
    left = left.filter((name) => now.has(name))
  }
  return left
}

requireAbility(
  'a full disk',
  'mounting a tmpfs needs root',
  mounted,
)('a disk that fills up', () => {
  const fillers = [join(disk, 'filler'), join(disk, 'rest')] as const

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
    const logged = (): readonly Json[] =>
      (existsSync(log) ? readFileSync(log, 'utf8') : '')
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Json)
    /** Of files of the outbox: SQLite's own have a name of their own. */
    const refusals = () =>
      logged().filter(({ code, place }) => code === 'DISK_FULL' && (place as Json | undefined)?.['file'] === 'sealed')
    const sizeOf = () => Number(logged().find(({ msg, step }) => msg === 'contributed' && step === 1)?.['bytes'] ?? 0)
    await until('a first gradient', () => sizeOf() > 0)

    // Room for a deal, of some 100 KB, what the stores grow by, and the beginning of a contribution: its write fails in the middle.
    const room = 260_000
    expect(sizeOf()).toBeGreaterThan(1.5 * room)
    fill(fillers[0], room)
    await until('a contribution that does not fit', () => refusals().length > 0)
    // No room at all: not even for a deal.
    const before = refusals().length
    fill(fillers[1], 0)
    await until('a deal that does not fit', () => refusals().length > before)
    expect(await leftHalfWritten()).toEqual([])
    const stranger = join(sealed, `${'0'.repeat(64)}.unfinished`)
    writeFileSync(stranger, '')
    expect(await leftHalfWritten()).toEqual([`${'0'.repeat(64)}.unfinished`])
    rmSync(stranger)
    for (const filler of fillers) rmSync(filler)

    const ended = await run.untilFinished(() => {})
    expect(ended.state).toBe('completed')
    const store = RoundStore.open(roundsPath(join(folder, 'data', 'coordinator')))
    const aborted = store.rounds(studyId(run.study)).filter(({ phase }) => phase === 'aborted').length
    store.close()
    expect(aborted).toBeGreaterThan(0)
    for (const site of sites) {
      const [budget] = listField(await run.budget(site), 'studies')
      const attempts = (budget?.['attempts'] ?? []) as { charged: number }[]
      const charged = attempts.reduce((sum, each) => sum + each.charged, 0)
      const journal = ['egress', '--last', '100000', '--data-dir', join(folder, 'data', site), '--json']
      const { latest } = (await runCommandLine('site-agent', journal)).envelope().data as { latest: Json[] }
      // However often the same bytes went out after a lost answer.
      const sent = new Set(latest.filter(({ kind }) => kind === 'contribution').map(({ message }) => message)).size
      expect(sent, site).toBeGreaterThanOrEqual(9)
      expect(charged, site).toBeGreaterThanOrEqual(sent)
      // A charge in vain is an attempt that the full disk ended; only the hospital whose disk it was has any.
      expect(charged - sent, site).toBeLessThanOrEqual(site === 'west' ? Math.min(aborted, refusals().length) : 0)
      expect(charged, site).toBeLessThanOrEqual(9 + aborted)
    }
  })
})
