import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { studyId } from '@tributary/shared/ids'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { Federation } from '../../deploy/local/federation.ts'
import { hospitals, simulatePatients, toCsv } from '../../deploy/local/patient-simulator.ts'
import { roundsPath } from '../../coordinator/coordinator.ts'
import type { RoundState } from '../../coordinator/rounds/round.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { binaries, type Json, type Program, ProgramHost, textField } from '../../deploy/local/program.ts'
import { root } from './sources.ts'

/** Data directories of a federation whose sites have all approved one study and that nobody runs yet: made once, copied often. */
export class FederationTemplate {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-template-'))
  address = ''
  study = ''

  async make(text: string): Promise<void> {
    const manifest = freezeStudy(parseStudy(text, 'study.yaml').draft)
    const files = manifest.sites.map(({ name, promised_patients: patients }, index) => {
      const path = join(this.folder, `${name}.csv`)
      writeFileSync(path, toCsv(simulatePatients({ ...hospitals[index % hospitals.length]!, name, patients }, 1)))
      return { name, path }
    })
    const federation = new Federation({ manifest, sites: files, folder: this.folder, seed: 1 })
    try {
      await federation.open()
      this.study = federation.study
      this.address = textField((await federation.coordinator?.event('listening')) ?? {}, 'address')
      await federation.coordinator?.stop()
    } finally {
      await federation.host.close()
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The shipped binaries over a copy of a template: commands, processes that stay, their logs. */
export class CopiedFederation {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-life-'))
  readonly host = new ProgramHost(join(this.folder, 'logs'))
  readonly #template: FederationTemplate
  readonly #agents = new Map<string, Program>()
  #store: RoundStore | undefined

  constructor(template: FederationTemplate) {
    this.#template = template
    cpSync(join(template.folder, 'data'), join(this.folder, 'data'), { recursive: true })
  }

  get address(): string {
    return this.#template.address
  }

  get study(): string {
    return this.#template.study
  }

  directory(name: string): string {
    return join(this.folder, 'data', name)
  }

  /** A command's data; throws the command's own code. */
  coordinate(...args: string[]): Promise<Json> {
    return this.host.call('operator', binaries.coordinator, [...args, '--data-dir', this.directory('coordinator')])
  }

  at(site: string, ...args: string[]): Promise<Json> {
    return this.host.call(`${site}-officer`, binaries['site-agent'], [...args, '--data-dir', this.directory(site)])
  }

  async startCoordinator(): Promise<Program> {
    const program = this.#startCoordinator(this.address)
    await program.event('listening')
    return program
  }

  /** A second coordinator on the same data directory, on a port of its own. */
  startAgain(): Program {
    return this.#startCoordinator('127.0.0.1:0')
  }

  #startCoordinator(listen: string): Program {
    const args = ['up', '--data-dir', this.directory('coordinator'), '--listen', listen, '--http', 'off']
    return this.host.start('coordinator', binaries.coordinator, args)
  }

  /** `name`: of its log, where it is another than the site's. `clockOff`: how far this process's clock is off, ms. */
  startAgent(site: string, options: { readonly name?: string; readonly clockOff?: number } = {}): Program {
    const { name = site, clockOff = 0 } = options
    const args = ['run', '--data-dir', this.directory(name), '--until-finished']
    const before = process.env['NODE_OPTIONS']
    if (clockOff !== 0) process.env['NODE_OPTIONS'] = `${before ?? ''} --import=${shiftedClock(clockOff)}`
    try {
      const agent = this.host.start(name, binaries['site-agent'], args)
      this.#agents.set(name, agent)
      return agent
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS']
      else process.env['NODE_OPTIONS'] = before
    }
  }

  /** kill -9 of the site's latest agent, to its end. */
  async kill(site: string): Promise<void> {
    const agent = this.#agents.get(site)
    agent?.kill()
    await agent?.ended
  }

  /** Orderly end of every agent. */
  async stopAgents(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop()))
  }

  /** An agent of test/harness/held-site.ts, which waits where `hold` says. */
  startHeldAgent(site: string): Program {
    mkdirSync(this.#control, { recursive: true })
    const args = [this.directory(site), this.#control]
    return this.host.start(site, join(root, 'test/harness/held-site.ts'), args)
  }

  hold(site: string, place: string): void {
    mkdirSync(this.#control, { recursive: true })
    writeFileSync(join(this.#control, `${site}.${place}.hold`), '')
  }

  release(site: string, place: string): void {
    rmSync(join(this.#control, `${site}.${place}.hold`), { force: true })
  }

  /** Whether a held agent has come to a place. */
  hasReached(site: string, place: string): boolean {
    const trace = join(this.#control, `${site}.trace`)
    return existsSync(trace) && readFileSync(trace, 'utf8').split('\n').includes(place)
  }

  show(study = this.study): Promise<Json> {
    return this.coordinate('study', 'show', study)
  }

  /** Every round so far, in order, from the coordinator's own store: looked at often. */
  rounds(): readonly RoundState[] {
    this.#store ??= RoundStore.open(roundsPath(this.directory('coordinator')))
    return this.#store.rounds(studyId(this.study))
  }

  opened(): readonly RoundState[] {
    return this.rounds().filter(({ phase }) => phase === 'opened')
  }

  /** Everything a process has logged, line by line. */
  log(name: string): readonly Json[] {
    const path = join(this.folder, 'logs', `${name}.log`)
    if (!existsSync(path)) return []
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Json)
  }

  /** Waits until `look` says yes; throws with `what` after `seconds`. */
  async until(what: string, look: () => boolean, seconds = 60): Promise<void> {
    const deadline = Date.now() + 1000 * seconds
    while (!look()) {
      if (Date.now() > deadline) throw new Error(`after ${seconds} seconds: still not ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** Waits until `count` rounds more than now are opened; returns those. */
  async opensMore(count: number, seconds = 60): Promise<readonly RoundState[]> {
    const before = this.opened().length
    await this.until(`${count} more rounds`, () => this.opened().length >= before + count, seconds)
    return this.opened().slice(before)
  }

  async close(): Promise<void> {
    this.#store?.close()
    await this.host.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #control(): string {
    return join(this.folder, 'control')
  }
}

/** A module that makes a process's clock run `off` ms ahead, as a machine with a wrong clock has it. */
const shiftedClock = (off: number): string => {
  const script = `
    const now = Date.now
    const Shifted = class extends Date {
      constructor(...args) { super(...(args.length === 0 ? [now() + ${off}] : args)) }
      static now() { return now() + ${off} }
    }
    globalThis.Date = Shifted`
  return `data:text/javascript,${encodeURIComponent(script)}`
}
