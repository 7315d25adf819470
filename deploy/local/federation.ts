import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pricePlan } from '@tributary/shared/dp/plan'
import { CodedError } from '@tributary/shared/errors'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { committeeSizes, mostSitesWithoutCommittee } from '@tributary/shared/wire/committee'
import { binaries, type Json, listField, numberField, type Program, ProgramHost, textField } from './program.ts'
import { tableProblems } from './table-problems.ts'

/** One hospital of a local federation and the file that its rows come from. */
export interface SiteFile {
  readonly name: string
  /** Absolute path. */
  readonly path: string
}

export interface FederationOptions {
  readonly manifest: Manifest
  readonly sites: readonly SiteFile[]
  /** Holds every data directory and log; it is created. */
  readonly folder: string
  /** For initial weights and the cohort's draw: never coins, noise or keys. */
  readonly seed: number
  /** Told what is being done, in a few words. */
  readonly onStep?: (what: string) => void
}

/** What `study show` says of a published study. */
export interface StudyProgress {
  readonly state: 'waiting' | 'running' | 'completed' | 'stopped'
  /** What the step's round asks for: 'marginals', 'gradient', or '' before the first; 'finishing' while the generator is fitted. */
  readonly phase: string
  readonly step: number
  readonly steps: number
  readonly data: Json
}

/**
 * A coordinator and its hospitals on this machine: the shipped binaries, one process each, one data directory each, joined over
 * mutual TLS exactly as on five machines. The only shortcut is that one program plays every officer: it reads each hospital's
 * fingerprint where that hospital prints it and hands it to the others, which is what the telephone is for elsewhere.
 */
export class Federation {
  readonly host: ProgramHost
  readonly agents = new Map<string, Program>()
  readonly #options: FederationOptions
  readonly #lost = new Set<Program>()
  #coordinator: Program | undefined
  #study = ''
  #http = ''

  constructor(options: FederationOptions) {
    this.#options = options
    mkdirSync(options.folder, { recursive: true })
    const home = join(options.folder, 'data', 'researcher')
    this.host = new ProgramHost(join(options.folder, 'logs'), { TRIBUTARY_HOME: home })
  }

  get manifest(): Manifest {
    return this.#options.manifest
  }

  get study(): string {
    return this.#study
  }

  /** Where researchers are served, `http://127.0.0.1:PORT`, once `open` has started the coordinator. */
  get http(): string {
    return this.#http
  }

  /** The running coordinator, once `open` has started it. */
  get coordinator(): Program | undefined {
    return this.#coordinator
  }

  #directory(name: string): string {
    return join(this.#options.folder, 'data', name)
  }

  #coordinate(...args: string[]): Promise<Json> {
    return this.host.call('coordinator', binaries.coordinator, [...args, '--data-dir', this.#directory('coordinator')])
  }

  #at(site: string, ...args: string[]): Promise<Json> {
    return this.host.call(site, binaries['site-agent'], [...args, '--data-dir', this.#directory(site)])
  }

  /** Coordinator up, sites enrolled, roster confirmed, study published and approved everywhere. Nothing is read from patients. */
  async open(): Promise<void> {
    const { manifest, sites, onStep = () => {} } = this.#options
    onStep('starting the coordinator')
    const identity = await this.#coordinate('init', '--name', 'local', '--listen', '127.0.0.1:0')
    const address = await this.startCoordinator()
    onStep('enrolling the hospitals')
    const enrolled = await Promise.all(
      sites.map(
        async ({ name }) => [name, await this.#enrol(name, address, textField(identity, 'ca_sha256'))] as const,
      ),
    )
    onStep('confirming the roster')
    await this.#coordinate(
      'roster',
      'propose',
      ...committeeFlag(
        sites.map(({ name }) => name),
        manifest.federation.committee,
      ),
    )
    const members = enrolled.flatMap(([name, fingerprint]) => ['--fingerprint', `${name}=${fingerprint}`])
    const keys = [
      '--admin-fingerprint',
      textField(identity, 'admin_fingerprint'),
      '--coordinator-fingerprint',
      textField(identity, 'coordinator_fingerprint'),
    ]
    await Promise.all(sites.map(({ name }) => this.#at(name, 'roster', 'confirm', ...keys, ...members)))
    const { ledger } = pricePlan(manifest)
    const cap = String(Math.ceil(ledger.epsilon * 1e4) / 1e4 + 1e-4)
    await Promise.all(
      sites.map(async ({ name, path }) => {
        await this.#at(name, 'source', 'add', 'patients', '--path', path)
        await this.#at(name, 'budget', 'set', '--epsilon', cap, '--delta', String(ledger.delta))
      }),
    )
    onStep('publishing and approving the study')
    const file = join(this.#options.folder, 'study.json')
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
    const published = await this.#coordinate('study', 'publish', file, '--seed', String(this.#options.seed))
    this.#study = textField(published, 'study')
    await this.#approve()
  }

  /** Throws what the first hospital says; where tables do not fit the study, all that is wrong with all of them. */
  async #approve(): Promise<void> {
    const names = this.#options.sites.map(({ name }) => name)
    const source = [this.#study, '--source', 'patients'] as const
    const approvals = await Promise.allSettled(
      names.map((name) => this.#at(name, 'study', 'approve', ...source, '--confirm', this.#study)),
    )
    const reasons = approvals.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
    if (reasons.length === 0) return
    if (!reasons.every((reason) => reason instanceof CodedError && reason.code === 'TABLE_INVALID')) throw reasons[0]
    const checks = names.map(async (name) => {
      const words = ['study', 'check', ...source, '--data-dir', this.#directory(name)]
      const program = this.host.start(name, binaries['site-agent'], words)
      await program.ended
      return tableProblems(name, program.lines)
    })
    const lines = (await Promise.all(checks)).flat()
    throw lines.length === 0 ? reasons[0] : new CodedError('TABLE_INVALID', lines.join('\n'))
  }

  /** Also after it was killed: it goes on from its data directory. Returns the address it listens on. */
  async startCoordinator(): Promise<string> {
    const directory = this.#directory('coordinator')
    const program = this.host.start('coordinator', binaries.coordinator, [
      'up',
      '--data-dir',
      directory,
      '--http',
      '127.0.0.1:0',
    ])
    this.#coordinator = program
    const listening = await program.event('listening')
    this.#http = textField(listening, 'http')
    return textField(listening, 'address')
  }

  async #enrol(site: string, address: string, caSha256: string): Promise<string> {
    const { token } = await this.#coordinate('invite', site)
    const tokenFile = join(this.#options.folder, 'data', `${site}.token`)
    const { fingerprint } = await this.#at(site, 'init', '--name', site)
    writeFileSync(tokenFile, String(token), { mode: 0o600 })
    await this.#at(site, 'enrol', '--coordinator', address, '--ca-sha256', caSha256, '--token-file', tokenFile)
    return textField({ fingerprint }, 'fingerprint')
  }

  /** Starts one hospital's agent; again after it was killed. It ends by itself when the study is over. */
  startAgent(site: string): Program {
    const program = this.host.start(site, binaries['site-agent'], [
      'run',
      '--data-dir',
      this.#directory(site),
      '--until-finished',
    ])
    this.agents.set(site, program)
    return program
  }

  startAgents(): void {
    for (const { name } of this.#options.sites) this.startAgent(name)
  }

  /** Takes one hospital's agent for good, as a machine that burns; `untilFinished` then counts on the others alone. */
  lose(site: string): void {
    const agent = this.agents.get(site)
    if (agent === undefined) throw new CodedError('INTERNAL', `no agent of ${site} was started`)
    this.#lost.add(agent)
    agent.kill()
  }

  async show(): Promise<StudyProgress> {
    const data = await this.#coordinate('study', 'show', this.#study)
    return {
      state: textField(data, 'state') as StudyProgress['state'],
      phase: phaseOf(data),
      step: numberField(data, 'step'),
      steps: numberField(data, 'steps'),
      data,
    }
  }

  /**
   * Waits for every agent to end, with a look at the study every few seconds. Throws what the first failing agent said, but
   * for one that was lost on purpose.
   */
  async untilFinished(onProgress: (progress: StudyProgress) => void, everyMs = 3000): Promise<StudyProgress> {
    const controller = new AbortController()
    const agents = [...this.agents.values()].map(async (agent) => {
      if ((await agent.ended).code !== 0 && !this.#lost.has(agent)) throw agent.failure()
    })
    const coordinator = this.#coordinator
    const coordinatorLost = coordinator?.ended.then(() => {
      throw coordinator.failure()
    })
    const finished = Promise.all(agents)
    const watched = (async () => {
      while (!controller.signal.aborted) {
        await waitFor(everyMs, controller.signal)
        if (!controller.signal.aborted) onProgress(await this.show())
      }
    })()
    try {
      await Promise.race([finished, ...(coordinatorLost === undefined ? [] : [coordinatorLost])])
    } finally {
      controller.abort()
      await watched.catch(() => {}) // the last look may fail with what has just been thrown
    }
    return this.show()
  }

  /** `rows` synthetic patients as CSV at `file`. */
  cohort(rows: number, file: string): Promise<Json> {
    const { seed } = this.#options
    return this.#coordinate('cohort', this.#study, '--rows', String(rows), '--seed', String(seed), '--out', file)
  }

  /** A user of the researchers' API; their token lies in the private file that is returned. */
  async addUser(name: string): Promise<string> {
    const file = join(this.#options.folder, 'data', `${name}.token`)
    await this.#coordinate('user', 'add', name, '--token-file', file)
    return file
  }

  exportModel(file: string): Promise<Json> {
    return this.#coordinate('model', 'export', this.#study, '--out', file)
  }

  /** What one hospital's own journal says that it sent: messages and bytes by kind. */
  async egress(site: string): Promise<readonly Json[]> {
    return listField(await this.#at(site, 'egress'), 'totals')
  }

  budget(site: string): Promise<Json> {
    return this.#at(site, 'budget', 'show')
  }

  /** Orderly end; then whatever is left is killed. Returns the coordinator's last words. */
  async close(): Promise<Json> {
    await this.#coordinator?.stop()
    const last = this.#coordinator?.lines.findLast((line) => line['event'] === 'stopped') ?? {}
    await this.host.close()
    return last
  }
}

/** The first so many hold the key shares where a roster needs a committee. */
const committeeFlag = (names: readonly string[], holders: number = committeeSizes.least): string[] =>
  names.length > mostSitesWithoutCommittee ? ['--committee', names.slice(0, holders).join(',')] : []

const phaseOf = (data: Json): string => {
  if (data['doing'] !== undefined) return 'finishing'
  const rounds = listField(data, 'rounds')
  const last = rounds.findLast((round) => round['step'] === data['step']) ?? rounds.at(-1)
  return last === undefined ? '' : textField(last, 'kind')
}

const waitFor = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** Rounds as `study show` lists them. */
export const roundsOf = (progress: StudyProgress): readonly Json[] => listField(progress.data, 'rounds')
