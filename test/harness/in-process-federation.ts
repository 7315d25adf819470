import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RoundId, type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import { totalSteps } from '@tributary/shared/dp/steps'
import type { Ring } from '@tributary/shared/he/ring'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { messageBytes } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox, Task } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import { publishRoster } from '../../coordinator/studies/published-roster.ts'
import { Training, trainingSteps } from '../../coordinator/model/training.ts'
import { approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { HandClock } from './hand-clock.ts'
import { inProcessClient, type Link, type LinkFault, roundOf, type Sending } from './in-process-client.ts'
import { InProcessCoordinator, type OpenedCounts } from './in-process-coordinator.ts'
import { InProcessSite } from './in-process-site.ts'
import { createInsecureRing } from './insecure-ring.ts'
import { type TinyStudy, tinyStudy } from './tiny-study.ts'

export type { LinkFault } from './in-process-client.ts'

/** What left a site: the bytes of every message, by kind and round; a second, different one is an error of its own. */
export interface Departed {
  readonly site: SiteId
  readonly kind: Sending
  readonly round: RoundId
  /** The disputed deal, of openings; else empty. */
  readonly about: string
  readonly hash: string
  readonly bytes: number
  /** By the hand clock, the first time. */
  readonly at: number
  times: number
}

const seed = 7
/** One key a name and process, so that a study keeps its id, and its ledger its price. */
const identities = new Map<string, IdentityKey>()
const identityNamed = (name: string): IdentityKey => {
  const identity = identities.get(name) ?? generateIdentity()
  identities.set(name, identity)
  return identity
}
const insecureRing = createInsecureRing()
/** Memory where there is some: every store syncs at every commit. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** An opening is one a deal; every other kind is one a round. */
const dealOf = (message: SignedMessage): string =>
  message.kind.endsWith('-opening') ? (decodeCanonical(message.body) as { deal: string }).deal : ''

/**
 * Hospitals and a coordinator in one process: the product's workers, desk, runs and stores, calls instead of sockets, a clock
 * moved by hand, a ring of degree 256 unless another is brought. Each operation (a site's turn, a tick, a kill) ends before the next begins unless a test
 * runs several at once.
 */
export class InProcessFederation {
  readonly clock = new HandClock()
  readonly manifest: Manifest
  readonly sites: readonly InProcessSite[]
  readonly coordinator: InProcessCoordinator
  readonly coordinatorIdentity: IdentityKey
  readonly roster: Roster
  readonly study: StudyId
  readonly departed: Departed[] = []
  /** Every contributor set announced, by round: more than one is a broken R4. */
  readonly announced = new Map<RoundId, Set<string>>()
  /** For the next message a site sends. */
  readonly faults = new Map<SiteId, LinkFault>()
  /** What the network does to boxes on their way to a site. */
  onBoxes: (to: SiteId, boxes: readonly DealtBox[]) => readonly DealtBox[] = (_, boxes) => boxes
  onModel: (part: Uint8Array) => Uint8Array = (part) => part
  /** What left a site and must not have: `checkInvariants` throws them. */
  readonly breaches: string[] = []
  /** Every file of every party. */
  readonly folder: string

  private constructor(folder: string, manifest: Manifest, ring: Ring, committee: readonly SiteId[]) {
    this.folder = folder
    this.manifest = manifest
    const names = manifest.sites.map(({ name }) => siteId(name))
    this.coordinatorIdentity = identityNamed('coordinator')
    this.roster = {
      federation: 'tests',
      version: 1,
      admin: identityNamed('admin').publicKey,
      coordinator: this.coordinatorIdentity.publicKey,
      members: names.map((site) => ({ site, identity: this.identityOf(site).publicKey })),
      committee: [...committee],
    }
    const dataDir = join(folder, 'coordinator')
    mkdirSync(dataDir)
    const { clock, coordinatorIdentity: identity } = this
    this.coordinator = new InProcessCoordinator({ dataDir, ring, identity, clock })
    this.publishRoster(this.roster)
    this.study = this.coordinator.studies.publish(manifest, seed).study
    this.sites = names.map((name) => {
      const siteDir = join(folder, name)
      mkdirSync(siteDir)
      return new InProcessSite({
        dataDir: siteDir,
        ring,
        identity: this.identityOf(name),
        clock,
        approved: approvedStudy(this.study, manifest, this.roster, name),
        client: inProcessClient(this.#linkOf(name)),
      })
    })
  }

  /** Everybody has approved: the first round is dealing. */
  static async open(
    study: TinyStudy | Manifest,
    other: { readonly ring?: Ring; readonly committee?: readonly SiteId[] } = {},
  ): Promise<InProcessFederation> {
    const folder = mkdtempSync(join(fastFolder, 'tributary-federation-'))
    const manifest = 'plan' in study ? study : tinyStudy(study)
    const { ring = await insecureRing, committee = [] } = other
    const federation = new InProcessFederation(folder, manifest, ring, committee)
    await federation.coordinator.tick()
    for (const site of federation.sites) await site.approve()
    return federation
  }

  /** Signed by the federation's admin, as `coordinator roster propose` does. */
  publishRoster(roster: Roster): void {
    publishRoster(this.coordinator.studies, roster, signRoster(roster, identityNamed('admin')))
  }

  identityOf(site: SiteId): IdentityKey {
    return identityNamed(site)
  }

  site(name: string): InProcessSite {
    const found = this.sites.find((site) => site.name === name)
    if (found === undefined) throw new Error(`no site ${name}`)
    return found
  }

  /** The round sites are working on. */
  get round() {
    const [live] = this.coordinator.runs.all()
    const round = live?.run.rounds[0]
    if (round === undefined) throw new Error('no round is open')
    return round
  }

  get outcome() {
    return this.coordinator.run(this.study).state
  }

  get isOver(): boolean {
    return this.outcome.outcome === 'completed' || this.outcome.outcome === 'stopped'
  }

  /** One turn of each of `names`, in order; then openings that this began. A killed coordinator starts again. */
  async turns(names: readonly string[] = this.sites.map(({ name }) => name)): Promise<void> {
    for (const name of names) {
      await this.site(name).turn()
      await this.quiet()
    }
  }

  async quiet(): Promise<void> {
    await this.coordinator.quiet()
    if (this.coordinator.gate.isDead) await this.restartCoordinator()
  }

  async restartCoordinator(): Promise<void> {
    await this.coordinator.restart()
    await this.tick()
  }

  async tick(): Promise<void> {
    await this.coordinator.tick().catch((thrown: unknown) => {
      if (!this.coordinator.gate.isDead) throw thrown
    })
    await this.quiet()
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.tick()
  }

  /** Turns and time, without faults, until the current round is in `phase`; throws when that takes too long. */
  async reach(phase: string, step = 0): Promise<void> {
    for (let i = 0; i < 200; i++) {
      for (const { name } of this.sites) {
        if (this.isOver) throw new Error(`the study is ${this.outcome.outcome} before ${phase}`)
        if (this.round.phase === phase && this.round.step === step) return
        await this.turns([name])
      }
    }
    throw new Error(`round ${this.round.step} is still ${this.round.phase}, not ${phase}`)
  }

  /** Turns and time, without faults, until the study is completed or stopped. */
  async complete(mostTurns = 400): Promise<void> {
    this.faults.clear()
    for (let i = 0; i < mostTurns && !this.isOver; i++) {
      await this.turns()
      await this.advance(5_000)
    }
    if (!this.isOver) throw new Error(`still ${JSON.stringify(this.outcome)} in ${this.round.phase}`)
  }

  /** What the model must be: every step's opened sum applied once, in order. Throws when a step opened to two sums. */
  async expectedModel(): Promise<string> {
    const opened = new Map<number, OpenedCounts>()
    for (const found of this.coordinator.opened) {
      const { step, attempt, sum } = found
      const earlier = opened.get(step)
      if (earlier !== undefined && (earlier.attempt !== attempt || Buffer.compare(bytesOf(earlier.sum), bytesOf(sum))))
        throw new Error(`step ${step} opened to two sums`)
      opened.set(step, found)
    }
    let training = Training.initial(this.manifest, seed)
    for (let step = 0; step < this.outcome.step; step++) {
      const found = opened.get(step)
      if (found === undefined) throw new Error(`step ${step} was applied but never opened`)
      training = await training.after(step, { ...found, values: found.sum }, this.manifest)
      if (step + 1 === trainingSteps(this.manifest)) training = await training.finish()
    }
    return hashBytes(training.encode())
  }

  get steps(): number {
    return totalSteps(queriesOf(this.manifest.plan))
  }

  close(): void {
    for (const site of this.sites) site.close()
    this.coordinator.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #linkOf(site: SiteId): Link {
    return {
      peer: { site, serial: '01' },
      now: () => this.clock.now(),
      handlers: () => this.coordinator.handlers,
      isDead: () => this.coordinator.gate.isDead,
      fault: () => {
        const fault = this.faults.get(site) ?? null
        this.faults.delete(site)
        return fault
      },
      note: (kind, message, rest) => this.#note(site, kind, message, rest),
      noteTask: (task) => this.#noteTask(task),
      onModel: (part) => this.onModel(part),
      onBoxes: (boxes) => this.onBoxes(site, boxes),
    }
  }

  #note(site: SiteId, kind: Sending, message: SignedMessage, rest: readonly Uint8Array[]): void {
    // A withdrawal only says that nothing will come, and spares the others a wait.
    if (kind !== 'withdrawal' && !this.site(site).isApproved)
      this.breaches.push(`R6: ${site} sent a ${kind} although its officer had paused or revoked the study`)
    const [round, about] = [roundOf(message), dealOf(message)]
    const sent = Buffer.concat([messageBytes(message), ...rest])
    const hash = hashBytes(sent)
    const earlier = this.departed.filter((each) => each.site === site && each.kind === kind && each.round === round)
    const same = earlier.find((each) => each.about === about && (each.hash === hash || kind !== 'check'))
    if (same === undefined)
      this.departed.push({ site, kind, round, about, hash, bytes: sent.length, at: this.clock.now(), times: 1 })
    else if (same.hash === hash) same.times++
    else this.breaches.push(`R3: ${site} sent two different ${kind}s for one round`)
  }

  #noteTask(task: Task): void {
    if (task.kind !== 'answer') return
    const round = roundOf(task.announcement)
    const sets = this.announced.get(round) ?? new Set()
    this.announced.set(round, sets.add(hashBytes(task.announcement.body)))
  }
}

const bytesOf = (values: Float64Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)
