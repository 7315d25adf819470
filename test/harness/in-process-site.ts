import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { pricePlan } from '@tributary/shared/dp/plan'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import type { Ring } from '@tributary/shared/he/ring'
import type { SiteId, StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { delta, epsilon } from '@tributary/shared/units'
import { signBody } from '@tributary/shared/wire/body'
import type { Task } from '@tributary/shared/wire/federation-api'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import pino from 'pino'
import { Ledger } from '../../site-agent/ledger/ledger.ts'
import type { SiteClient } from '../../site-agent/link/client.ts'
import { AnswerLog } from '../../site-agent/policy/answer-log.ts'
import { type ApprovedStudy, isHolder } from '../../site-agent/policy/approved-study.ts'
import { BoxKeyRing } from '../../site-agent/policy/box-key-ring.ts'
import { PeerCounters } from '../../site-agent/policy/peer-counters.ts'
import { Outbox } from '../../site-agent/update/outbox.ts'
import { RoundWorker, type RoundWorkerParts } from '../../site-agent/update/round-worker.ts'
import { SealingWork } from '../../site-agent/update/sealing-work.ts'
import { Crash, CrashGate } from './crash-gate.ts'
import { oneHotQuery } from './one-hot-query.ts'

interface SiteParts {
  readonly dataDir: string
  readonly ring: Ring
  readonly identity: IdentityKey
  readonly clock: Clock
  readonly approved: ApprovedStudy
  readonly client: SiteClient
}

const reserved = new Map<StudyId, Uint8Array>()

/** A ledger file in which the study's whole price is set aside: the same at every site, priced once a process. */
const reservedLedger = ({ study, manifest }: ApprovedStudy, path: string, clock: Clock): Uint8Array => {
  const known = reserved.get(study)
  if (known !== undefined) return known
  const price = pricePlan(manifest)
  const ledger = Ledger.open(path, clock)
  ledger.setCap({ epsilon: epsilon(10), delta: delta(1e-4) })
  ledger.reserve({
    study,
    name: manifest.name,
    unit: manifest.privacy.unit,
    epsilon: epsilon(price.ledger.epsilon),
    delta: delta(price.ledger.delta),
    distance: price.distance,
    phases: [...price.ledger.phases],
  })
  ledger.close()
  const bytes = new Uint8Array(readFileSync(path))
  reserved.set(study, bytes)
  return bytes
}

/** What changes a store or leaves: where a site can be killed. */
const crossings = {
  client: ['putDeal', 'check', 'contribute', 'answer', 'withdraw', 'openDeal', 'openBox'],
  outbox: ['storeDeal', 'begin', 'store', 'acknowledge', 'disclaim', 'storeOpening'],
} as const

/** A hospital's round worker over its real stores, without a loop: killed and started again over the same folder. */
export class InProcessSite {
  readonly name: SiteId
  /** Answers a query instead of the one-hot vector, if set: to see whether it was asked. */
  execute: RoundWorkerParts['execute']
  /** A scheduled send must not hold a schedule of the test's own making, unless the test says how time passes. */
  sleep: Clock['sleep'] = async () => {}
  /** What the officer's book would say. */
  isApproved = true
  /** Sites that the admin removed, as far as this site was told when it last asked. */
  removed: readonly SiteId[] = []
  /** How the site learns of them: throws where the coordinator hides the roster. */
  refreshRoster: () => Promise<void> = async () => {}
  /** What its log warned of, over all restarts. */
  readonly warnings: { readonly msg: string; readonly removed?: readonly string[] }[] = []
  gate = new CrashGate()
  crashes = 0
  /** How often the officer paused or revoked, each of which may leave one charge in vain. */
  decisions = 0
  #isRevoked = false
  worker: RoundWorker
  ledger: Ledger
  readonly #parts: SiteParts
  #close: () => void

  constructor(parts: SiteParts) {
    this.#parts = parts
    this.name = parts.approved.me
    this.execute = oneHotQuery(this.name)
    const ledgerPath = join(parts.dataDir, 'ledger.sqlite')
    if (!existsSync(ledgerPath)) writeFileSync(ledgerPath, reservedLedger(parts.approved, ledgerPath, parts.clock))
    const started = this.#start()
    this.worker = started.worker
    this.ledger = started.ledger
    this.#close = started.close
  }

  get client(): SiteClient {
    return this.#parts.client
  }

  /** As the officer does; the price was set aside before. */
  async approve(): Promise<void> {
    const { approved, identity, client } = this.#parts
    const { study } = approved
    if (isHolder(approved)) await client.putBoxKeys(this.boxKeys().statement(study, 0, this.name, identity))
    const statement = { study, manifest: approved.manifestHash, roster: approved.rosterHash }
    await client.approve(signBody('approval', this.name, statement, identity))
  }

  boxKeys(): BoxKeyRing {
    return new BoxKeyRing(join(this.#parts.dataDir, 'box-keys'))
  }

  get isRevoked(): boolean {
    return this.#isRevoked
  }

  /** As the officer does at another process, whatever the agent is at. A revoked study stays revoked. */
  decide(decision: 'paused' | 'resumed' | 'revoked'): void {
    if (this.#isRevoked) return
    if (decision !== 'resumed' && this.isApproved) this.decisions++
    this.isApproved = decision === 'resumed'
    this.#isRevoked = decision === 'revoked'
  }

  /** What the agent's loop does when it sees that a study is approved no more; a kill restarts the site. */
  async leave(): Promise<void> {
    await this.worker.leave()
    if (this.gate.isDead) this.restart()
  }

  /** Asks for work and does it, as the agent's loop does once. Errors of the product come back; a kill restarts the site. */
  async turn(): Promise<{ readonly task: Task['kind'] | null; readonly error: CodedError | null }> {
    let task: Task | null = null
    try {
      task = await this.next()
      if (task.kind !== 'wait' && task.kind !== 'finished') await this.worker.perform(task)
      return { task: task.kind, error: null }
    } catch (thrown) {
      if (this.gate.isDead) this.restart()
      else if (thrown instanceof Crash) throw thrown
      return { task: task?.kind ?? null, error: asCodedError(thrown) }
    }
  }

  next(): Promise<Task> {
    return this.client.next({ study: this.#parts.approved.study, waitMs: 0 })
  }

  /** Starts again from the stores alone; `between` finds them closed. */
  restart(between: (dataDir: string) => void = () => undefined): void {
    this.crashes++
    this.gate.kill()
    this.#close()
    between(this.#parts.dataDir)
    this.gate = new CrashGate()
    const { worker, ledger, close } = this.#start()
    Object.assign(this, { worker, ledger })
    this.#close = close
  }

  /** A second agent over a copy of this one's folder, which is stopped for it and started again. */
  cloned(): InProcessSite {
    const dataDir = `${this.#parts.dataDir}-clone`
    this.restart((own) => cpSync(own, dataDir, { recursive: true }))
    return new InProcessSite({ ...this.#parts, dataDir })
  }

  charged(): Set<string> {
    const rounds = [...this.ledger.history()].flatMap(({ content }) =>
      content.kind === 'charge' ? [content.round] : [],
    )
    return new Set(rounds)
  }

  close(): void {
    this.#close()
  }

  #start() {
    const { dataDir, ring, identity, clock, approved, client } = this.#parts
    const { gate } = this
    const outbox = Outbox.open(join(dataDir, 'outbox'))
    const ledger = Ledger.open(join(dataDir, 'ledger.sqlite'), clock, { anchor: join(dataDir, 'anchor.sqlite') })
    const answers = AnswerLog.open(join(dataDir, 'answers.sqlite'))
    const counters = PeerCounters.open(join(dataDir, 'counters.sqlite'))
    const parts: RoundWorkerParts = {
      ring,
      identity,
      sealing: new SealingWork(ring, osRandomStreams),
      client: gate.around('client', client, crossings.client),
      outbox: gate.around('outbox', outbox, crossings.outbox),
      ledger: gate.around('ledger', ledger, ['charge']),
      answers: gate.around('answers', answers, ['answer']),
      counters: gate.around('counters', counters, ['nextOwn', 'observe']),
      boxKeys: this.boxKeys(),
      clock: { now: () => clock.now(), sleep: (ms, signal) => this.sleep(ms, signal) },
      rosterWatch: { refresh: () => this.refreshRoster(), removed: () => this.removed },
      execute: async (query) => {
        gate.cross('before execute')
        const contribution = await this.execute(query)
        gate.trace.push('execute')
        return contribution
      },
      log: pino({ level: 'warn' }, { write: (line) => this.warnings.push(JSON.parse(line)) }),
      isApproved: () => this.isApproved,
    }
    const worker = new RoundWorker(parts, approved)
    const close = () => {
      for (const part of [outbox, ledger, answers, counters]) part.close()
    }
    return { worker, ledger, close }
  }
}
