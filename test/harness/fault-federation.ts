import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { asCodedError } from '@tributary/shared/errors'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { Federation } from '../../deploy/local/federation.ts'
import { hospitals, simulatePatients, toCsv } from '../../deploy/local/patient-simulator.ts'
import { type Program, textField } from '../../deploy/local/program.ts'
import { type Death, type Kill, readLines } from './process-gate.ts'
import { root } from './sources.ts'

export const faultSites = ['east', 'north', 'river', 'west'] as const

const studyText = (steps: number): string => `tributary: study/1
name: faults
purpose: Four small hospitals that are killed at bad moments.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male] }
  - { name: age, kind: numeric, bins: [18, 40, 60, 80], maximum: 95, integer: true }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 4, steps: ${steps - 1}, sampling_rate: 0.2, spares: { marginals: 4, gradient: 20 } }
sites:
${faultSites.map((name) => `  - { name: ${name}, promised_patients: 250, promised_rows: 400 }`).join('\n')}
federation: { least_contributors: 3 }
deadlines: { deal_seconds: 60, contribute_seconds: 60, answer_seconds: 60, send_every_milliseconds: 50 }
`

const script = (name: string): string => join(root, 'test/harness', name)

/** An officer whose command finds the coordinator dead gives it again. */
const repeated = async <T>(command: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries++) {
    try {
      return await command()
    } catch (thrown) {
      if (asCodedError(thrown).code !== 'UNAVAILABLE' || tries === 20) throw thrown
    }
  }
}

/** Far more than any deadline of the study. */
const stuckMs = 300_000

/** How a program ended for good, and how often it was killed before. */
export interface Lives {
  readonly who: string
  readonly kills: number
}

/** Federation of the shipped commands whose coordinator and agents run under the test composition roots, with a plan of kills. */
export class FaultFederation extends Federation {
  readonly folder: string
  readonly control: string
  readonly seed = 1
  #address = '127.0.0.1:0'
  #isClosing = false
  #coordinator: Program | undefined
  #coordinatorKills = 0
  readonly #broken = Promise.withResolvers<never>()

  constructor(plan: { readonly kills: readonly Kill[]; readonly steps: number }) {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-faults-'))
    const files = faultSites.map((name, index) => {
      const path = join(folder, `${name}.csv`)
      writeFileSync(path, toCsv(simulatePatients({ ...hospitals[index]!, name, patients: 200 }, 1)))
      return { name, path }
    })
    const manifest = freezeStudy(parseStudy(studyText(plan.steps), 'faults.yaml').draft)
    super({ manifest, sites: files, folder, seed: 1 })
    this.folder = folder
    this.control = join(folder, 'control')
    mkdirSync(this.control)
    // Whoever runs the federation hears of it; nobody does before.
    this.#broken.promise.catch(() => undefined)
    const call = this.host.call.bind(this.host)
    this.host.call = (...command) => repeated(() => call(...command))
    writeFileSync(join(this.control, 'plan.jsonl'), plan.kills.map((kill) => `${JSON.stringify(kill)}\n`).join(''))
  }

  directory(name: string): string {
    return join(this.folder, 'data', name)
  }

  /** Starts it, and again whenever it was killed, at the address that it had first. */
  override async startCoordinator(): Promise<string> {
    const args = [this.directory('coordinator'), this.control, this.#address]
    const program = this.host.start('coordinator', script('fault-coordinator.ts'), args)
    this.#coordinator = program
    void program.ended.then(async ({ code, signal }) => {
      if (this.#isClosing || code === 0) return
      if (signal !== 'SIGKILL') return this.#broken.reject(program.failure())
      this.#coordinatorKills++
      await this.startCoordinator().catch(() => undefined)
    })
    this.#address = textField(await program.event('listening'), 'address')
    return this.#address
  }

  /** Runs one agent until it has finished, starting it again whenever it was killed. */
  async #live(who: string): Promise<Lives> {
    for (let kills = 0; ; kills++) {
      const program = this.host.start(who, script('fault-site.ts'), [this.directory(who), this.control])
      const { code, signal } = await program.ended
      if (code === 0) return { who, kills }
      if (signal !== 'SIGKILL') throw program.failure()
      const { awayMs } = readLines<Death>(join(this.control, `${who}.trace.jsonl`)).at(-1) ?? {}
      if (awayMs !== undefined) await sleep(awayMs)
    }
  }

  /** Every agent to its end, then the coordinator's. Rejects when a process ends by itself, or nothing happens any more. */
  async run(): Promise<readonly Lives[]> {
    const over = new AbortController()
    const watched = this.#watch(over.signal)
    watched.catch(() => undefined)
    try {
      const lives = Promise.all(faultSites.map((site) => this.#live(site)))
      const sites = await Promise.race([lives, watched, this.#broken.promise])
      await this.#coordinator?.stop()
      return [...sites, { who: 'coordinator', kills: this.#coordinatorKills }]
    } finally {
      over.abort()
    }
  }

  /** Rejects once nobody has died and no sum was opened for a long time. */
  async #watch(over: AbortSignal): Promise<never> {
    const linesOf = (name: string) => readLines<object>(join(this.control, name)).length
    const done = () => {
      const deaths = [...faultSites, 'coordinator'].map((who) => linesOf(`${who}.trace.jsonl`))
      return [linesOf('sums.jsonl'), ...deaths].join()
    }
    for (let before = ''; ; ) {
      const now = done()
      if (now === before && !over.aborted) throw new Error(`stuck after these sums and deaths: ${now}`)
      before = now
      // Rejects, unheard, when the run is over.
      await sleep(stuckMs, undefined, { signal: over, ref: false })
    }
  }

  async remove(): Promise<void> {
    this.#isClosing = true
    await this.host.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
