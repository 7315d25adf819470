import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Federation } from '../../deploy/local/federation.ts'
import { hospitals, simulatePatients, toCsv } from '../../deploy/local/patient-simulator.ts'
import { listField, type Program } from '../../deploy/local/program.ts'
import { root } from '../harness/sources.ts'

/*
 * Real processes, killed with -9 at named places. Contributions are one-hot without noise (test/harness/fault-site.ts), so an
 * opened sum shows who was counted: 1 once, 2 twice, 0 not at all.
 */
const sites = ['east', 'north', 'river', 'west'] as const
const steps = 4

const study = `tributary: study/1
name: faults
purpose: Four small hospitals that are killed at bad moments.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male] }
  - { name: age, kind: numeric, bins: [18, 40, 60, 80], maximum: 95, integer: true }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 4, steps: ${steps - 1}, sampling_rate: 0.2, spares: { marginals: 2, gradient: 4 } }
sites:
${sites.map((name) => `  - { name: ${name}, promised_patients: 200, promised_rows: 200 }`).join('\n')}
federation: { least_contributors: 3 }
deadlines: { deal_seconds: 40, contribute_seconds: 40, answer_seconds: 40 }
`

interface OpenedSum {
  readonly step: number
  readonly attempt: number
  readonly counts: readonly number[]
  readonly others: boolean
}

/** A federation brought up with the shipped binaries, then run under the test composition roots. */
class FaultyFederation {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-faults-'))
  readonly federation: Federation
  readonly #control = join(this.folder, 'control')
  readonly #sums = join(this.folder, 'sums.jsonl')
  #address = '127.0.0.1:0'
  #coordinator: Program | undefined

  constructor() {
    mkdirSync(this.#control, { recursive: true })
    const files = sites.map((name, index) => {
      const path = join(this.folder, `${name}.csv`)
      const patients = simulatePatients({ ...hospitals[index]!, name, patients: 200 }, 1)
      writeFileSync(path, toCsv(patients))
      return { name, path }
    })
    const manifest = freezeStudy(parseStudy(study, 'faults.yaml').draft)
    this.federation = new Federation({ manifest, sites: files, folder: this.folder, seed: 1 })
  }

  async open(): Promise<void> {
    await this.federation.open()
    const shipped = this.federation.coordinator
    this.#address = String((await shipped?.event('listening'))?.['address'])
    await shipped?.stop()
    await this.startCoordinator()
  }

  async startCoordinator(): Promise<void> {
    const args = [join(this.folder, 'data', 'coordinator'), this.#address, this.#sums]
    this.#coordinator = this.federation.host.start('coordinator', join(root, 'test/harness/fault-coordinator.ts'), args)
    await this.#coordinator.event('listening')
  }

  async killCoordinator(): Promise<void> {
    this.#coordinator?.kill()
    await this.#coordinator?.ended
  }

  startSite(name: string): Program {
    const args = [join(this.folder, 'data', name), this.#control]
    return this.federation.host.start(name, join(root, 'test/harness/fault-site.ts'), args)
  }

  hold(site: string, place: string): void {
    writeFileSync(join(this.#control, `${site}.${place}.hold`), '')
  }

  release(site: string, place: string): void {
    rmSync(join(this.#control, `${site}.${place}.hold`), { force: true })
  }

  /** Waits until the site has come to a place for the `times`-th time. */
  async reached(site: string, place: string, times: number): Promise<void> {
    const trace = join(this.#control, `${site}.trace`)
    const deadline = Date.now() + 60_000
    for (;;) {
      const lines = existsSync(trace) ? readFileSync(trace, 'utf8').split('\n') : []
      if (lines.filter((line) => line === place).length >= times) return
      if (Date.now() > deadline) throw new Error(`${site} never came to ${place}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  sums(): OpenedSum[] {
    if (!existsSync(this.#sums)) return []
    return readFileSync(this.#sums, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as OpenedSum)
  }

  async close(): Promise<void> {
    await this.killCoordinator()
    await this.federation.host.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

let fed: FaultyFederation

beforeEach(async () => {
  fed = new FaultyFederation()
  await fed.open()
}, 120_000)

afterEach(async () => {
  await fed.close()
})

/** Everyone is counted once or not at all, exactly as the round names its contributors; every step is opened. */
const expectSoundRun = async (most: { chargesPerSite: Readonly<Record<string, number>> }) => {
  const progress = await fed.federation.show()
  expect(progress.state).toBe('completed')
  const rounds = listField(progress.data, 'rounds').filter((round) => round['state'] === 'opened')
  expect(rounds.map((round) => round['step'])).toEqual([0, 1, 2, 3])
  for (const round of rounds) {
    const sums = fed.sums().filter((sum) => sum.step === round['step'] && sum.attempt === round['attempt'])
    expect(sums.length).toBeGreaterThan(0)
    const contributors = round['contributors'] as string[]
    for (const sum of sums) {
      expect(sum.others).toBe(false)
      expect(sum.counts).toEqual(sites.map((site) => (contributors.includes(site) ? 1 : 0)))
    }
  }
  for (const site of sites) {
    const counted = rounds.filter((round) => (round['contributors'] as string[]).includes(site)).length
    const [budget] = listField(await fed.federation.budget(site), 'studies')
    const attempts = (budget?.['attempts'] ?? []) as { charged: number }[]
    const charged = attempts.reduce((sum, each) => sum + each.charged, 0)
    expect(charged).toBeGreaterThanOrEqual(counted)
    expect(charged).toBeLessThanOrEqual(counted + (most.chargesPerSite[site] ?? 0))
  }
  return rounds
}

describe('kill -9', () => {
  it('of an agent before it contributes: its one-time key is gone, it withdraws, the others go on, it comes back', async () => {
    fed.hold('north', 'after-deal')
    const agents = sites.map((site) => fed.startSite(site))
    await fed.reached('north', 'after-deal', 1)
    agents[sites.indexOf('north')]?.kill()
    fed.release('north', 'after-deal')
    agents[sites.indexOf('north')] = fed.startSite('north')
    await Promise.all(agents.map((agent) => agent.ended))
    const rounds = await expectSoundRun({ chargesPerSite: {} })
    expect(rounds[0]?.['contributors']).toEqual(['east', 'river', 'west'])
    expect(rounds.at(-1)?.['contributors']).toContain('north')
  })

  it('of an agent after it stored its contribution but before it sent it: the same bytes are sent, counted once', async () => {
    fed.hold('river', 'before-contribute')
    const agents = sites.map((site) => fed.startSite(site))
    await fed.reached('river', 'before-contribute', 1)
    agents[sites.indexOf('river')]?.kill()
    fed.release('river', 'before-contribute')
    agents[sites.indexOf('river')] = fed.startSite('river')
    await Promise.all(agents.map((agent) => agent.ended))
    await expectSoundRun({ chargesPerSite: { river: 1 } })
  })

  it('of an agent after it contributed: it is still counted, once, and any t answers open the sum', async () => {
    fed.hold('west', 'after-contribute')
    const agents = sites.map((site) => fed.startSite(site))
    await fed.reached('west', 'after-contribute', 1)
    agents[sites.indexOf('west')]?.kill()
    fed.release('west', 'after-contribute')
    await fed.reached('east', 'after-answer', 1)
    agents[sites.indexOf('west')] = fed.startSite('west')
    await Promise.all(agents.map((agent) => agent.ended))
    const rounds = await expectSoundRun({ chargesPerSite: {} })
    expect(rounds[0]?.['contributors']).toEqual([...sites])
  })

  it('of the coordinator after it announced U: it asks again for the same U and gets the same answers', async () => {
    for (const site of sites) fed.hold(site, 'before-answer')
    const agents = sites.map((site) => fed.startSite(site))
    for (const site of sites) await fed.reached(site, 'before-answer', 1)
    await fed.killCoordinator()
    for (const site of sites) fed.release(site, 'before-answer')
    await fed.startCoordinator()
    await Promise.all(agents.map((agent) => agent.ended))
    const rounds = await expectSoundRun({ chargesPerSite: {} })
    expect(rounds).toHaveLength(steps)
    for (const round of rounds) expect(round['contributors']).toEqual([...sites])
  })
})
