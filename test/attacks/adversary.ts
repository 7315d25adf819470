import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import type { BoxKeys } from '@tributary/shared/he/box'
import type { SlotLayout } from '@tributary/shared/he/slots'
import { createRing } from '@tributary/shared/he/create-ring'
import type { Ring } from '@tributary/shared/he/ring'
import { type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { epochOf } from '@tributary/shared/study/epoch'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { encodeParameters } from '@tributary/shared/synthesizers/parameters'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox, Task } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { coordinatorName, memberOf, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import { queryOfStep } from '@tributary/shared/dp/steps'
import { type ApprovedStudy, approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { type AttemptFields, attemptOf } from '../../site-agent/policy/round-guard.ts'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { HandClock } from '../harness/hand-clock.ts'
import { InProcessSite } from '../harness/in-process-site.ts'
import { attackSite, type AttackStudy, attackStudy } from './attack-study.ts'
import { type FalseCoordinator, falseClient } from './adversary-client.ts'
import { Colluder } from './colluder.ts'
import { uniform } from './uniform-vector.ts'
import type { Holdings, Learned } from './holdings.ts'
import { Overheard, type OverheardRound } from './overheard.ts'

export interface AdversaryParts extends AttackStudy {
  /** Colluding sites: the last of the study, or those named. */
  readonly helpers: number | readonly number[]
  /** Share holders by their place, for more than 20 sites. */
  readonly committee?: readonly number[]
}

const ring = createRing()
const folderOf = () => mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tributary-attack-'))

/** Identities stay, so that two studies of one process have the same hospitals. */
const identities = new Map<string, IdentityKey>()
const identityNamed = (name: string): IdentityKey => {
  const identity = identities.get(name) ?? generateIdentity()
  identities.set(name, identity)
  return identity
}

/**
 * A coordinator that plays false: it keeps every message, signs whatever it likes with the coordinator's key, tells each site
 * something else, and has some hospitals in its hand. The others are the product's agents over their real stores, on the real
 * ring. It sends no order of its own accord: each attack says which.
 */
export class Adversary implements FalseCoordinator {
  readonly ring: Ring
  readonly manifest: Manifest
  readonly roster: Roster
  readonly study: StudyId
  readonly clock = new HandClock()
  readonly identity = identityNamed('coordinator')
  readonly honest: readonly InProcessSite[]
  readonly colluders: readonly Colluder[]
  readonly statements = new Map<string, SignedMessage>()
  /** What the network gives `to` in place of its boxes. */
  onBoxes: (to: SiteId, boxes: readonly DealtBox[]) => readonly DealtBox[] = (_, boxes) => boxes
  /** The model that `to` is given. */
  onModel: (to: SiteId) => Uint8Array
  /** Vectors of honest sites, uniform over all that fits a slot unless an attack says otherwise. */
  onQuery: (site: SiteId, layout: SlotLayout) => Float64Array
  /** Told of every contribution that leaves an honest site. */
  onContribution: (message: SignedMessage) => void = () => undefined
  /** Whether an upload is acknowledged. */
  acknowledges = true
  readonly heard: Overheard
  readonly #folder = folderOf()
  readonly #honestKeys = new Map<SiteId, BoxKeys>()

  private constructor(engine: Ring, parts: AdversaryParts) {
    this.ring = engine
    this.manifest = attackStudy(parts)
    const names = Array.from({ length: parts.sites }, (_, i) => attackSite(i))
    this.roster = {
      federation: 'attacks',
      version: 1,
      admin: identityNamed('admin').publicKey,
      coordinator: this.identity.publicKey,
      members: names.map((site) => ({ site, identity: identityNamed(site).publicKey })),
      committee: (parts.committee ?? []).map(attackSite),
    }
    this.study = studyIdOf(this.manifest, rosterHash(this.roster))
    const { helpers } = parts
    const isHelper = (i: number) => (typeof helpers === 'number' ? i >= parts.sites - helpers : helpers.includes(i))
    this.heard = new Overheard(engine, this.approvedBy(names[0] as SiteId))
    const random = this.model()
    this.onModel = () => random
    this.onQuery = (_, layout) => uniform(layout)
    this.colluders = names
      .filter((_, i) => isHelper(i))
      .map((name) => new Colluder({ ring: engine, approved: this.approvedBy(name), identity: identityNamed(name) }))
    this.honest = names
      .filter((_, i) => !isHelper(i))
      .map((name) => {
        const dataDir = join(this.#folder, name)
        mkdirSync(dataDir)
        const site = new InProcessSite({
          dataDir,
          ring: engine,
          identity: identityNamed(name),
          clock: this.clock,
          approved: this.approvedBy(name),
          client: falseClient(this, name),
        })
        site.execute = async ({ queryIndex }) => this.#executed(name, queryIndex)
        return site
      })
  }

  static async open(parts: AdversaryParts): Promise<Adversary> {
    const adversary = new Adversary(await ring, parts)
    for (const site of adversary.honest) {
      await site.approve()
      if (adversary.holders.includes(site.name))
        adversary.#honestKeys.set(site.name, site.boxKeys().privateKeys(adversary.study, 0))
    }
    return adversary
  }

  approvedBy(site: SiteId): ApprovedStudy {
    return approvedStudy(this.study, this.manifest, this.roster, site)
  }

  get rosterSignature(): SignedMessage {
    return signRoster(this.roster, this.admin)
  }

  given(site: SiteId): Float64Array | undefined {
    return this.#given.get(site)
  }

  /** The consortium's admin, who is deceived or helps. */
  get admin(): IdentityKey {
    return identityNamed('admin')
  }

  /** How many check values `site` gave for deals of `dealers`. */
  valuesFor(fields: AttemptFields, site: SiteId, dealers: readonly SiteId[]): number {
    const message = this.round(fields).checks.get(site)
    if (message === undefined) return 0
    const { checks } = openBody('check', message, memberOf(this.roster, site))
    return checks.filter((each) => dealers.includes(each.site) && each.value !== null).length
  }

  identityOf(site: SiteId): IdentityKey {
    return identityNamed(site)
  }

  site(name: SiteId): InProcessSite {
    const found = this.honest.find((site) => site.name === name)
    if (found === undefined) throw new Error(`${name} is no honest site`)
    return found
  }

  get sites(): readonly SiteId[] {
    return this.manifest.sites.map(({ name }) => siteId(name))
  }

  get holders(): readonly SiteId[] {
    return shareHolders(this.manifest, this.roster)
  }

  get threshold(): number {
    return this.manifest.plan.threshold
  }

  /** Names of honest sites, all or those at `places` among them. */
  names(...places: readonly number[]): SiteId[] {
    const all = this.honest.map(({ name }) => name)
    return places.length === 0 ? all : places.map((place) => all[place] as SiteId)
  }

  fields(step: number, attempt: number): AttemptFields {
    return attemptOf(this.approvedBy(this.sites[0] as SiteId), step, attempt)
  }

  round({ round }: Pick<AttemptFields, 'round'>): OverheardRound {
    return this.heard.round(round)
  }

  /** Weights of the right length. */
  model(first = 0): Uint8Array {
    const gradient = this.manifest.plan.queries.find(({ kind }) => kind === 'gradient')
    const weights = new Float32Array(gradient?.dimension ?? 0)
    weights[0] = first
    return encodeParameters(weights)
  }

  /** A site does what it is told, or says why not: the code, and what for, that it throws. */
  async tell(site: SiteId, task: Exclude<Task, { kind: 'wait' | 'finished' }>): Promise<CodedError | null> {
    try {
      await this.site(site).worker.perform(task)
      return null
    } catch (thrown) {
      return asCodedError(thrown)
    }
  }

  boxKeyStatements(epoch = 0): SignedMessage[] {
    return this.sites.flatMap((site) => this.statements.get(`${site} ${epoch}`) ?? [])
  }

  /** Everybody deals for an attempt; colluders as `dealOf` says. Throws what a site refuses. */
  async deal(step: number, attempt: number, sites: readonly SiteId[] = this.names()): Promise<AttemptFields> {
    const fields = this.fields(step, attempt)
    for (const colluder of this.colluders)
      this.statements.set(`${colluder.name} ${epochOf(step)}`, colluder.statement(epochOf(step)))
    const boxKeys = this.boxKeyStatements(epochOf(step))
    for (const colluder of this.colluders) this.round(fields).deals.set(colluder.name, colluder.deal(fields, boxKeys))
    for (const site of sites)
      this.#raise(await this.tell(site, { kind: 'deal', study: this.study, step, attempt, boxKeys }))
    return fields
  }

  /** Honest sites that hold shares. */
  get honestHolders(): SiteId[] {
    return this.names().filter((site) => this.holders.includes(site))
  }

  async check(step: number, attempt: number, sites: readonly SiteId[] = this.honestHolders): Promise<void> {
    for (const site of sites) this.#raise(await this.tell(site, { kind: 'check', study: this.study, step, attempt }))
  }

  /** The broadcast of an attempt that everybody dealt for, with `change`s, signed. */
  broadcast(fields: AttemptFields, change: Partial<Body<'broadcast'>> = {}): SignedMessage {
    const { deals } = this.round(fields)
    const dealers = [...deals]
      .map(([site, { message }]) => ({ site, deal: hashBytes(message.body) }))
      .toSorted((a, b) => (a.site < b.site ? -1 : 1))
    const body: Body<'broadcast'> = {
      ...fields,
      manifest: this.approvedBy(this.sites[0] as SiteId).manifestHash,
      query: queryOfStep(this.approvedBy(this.sites[0] as SiteId).queries, fields.step).query,
      model: hashBytes(this.onModel(this.sites[0] as SiteId)),
      dealers,
      ...change,
    }
    return signBody('broadcast', coordinatorName, body, this.identity)
  }

  /** Everybody contributes, colluders too. */
  async contribute(fields: AttemptFields, sites: readonly SiteId[] = this.names()): Promise<void> {
    const broadcast = this.broadcast(fields)
    for (const site of sites) this.#raise(await this.tell(site, { kind: 'contribute', broadcast }))
    for (const colluder of this.colluders) this.#fromColluder(colluder, fields, broadcast)
  }

  /** Deals, checks and contributions of all, without a lie. */
  async upTo(step: number, attempt: number): Promise<AttemptFields> {
    const fields = await this.deal(step, attempt)
    await this.check(step, attempt)
    await this.contribute(fields)
    return fields
  }

  /** An announced set, signed, with `change`s. */
  announcement(
    fields: AttemptFields,
    sites: readonly SiteId[],
    change: Partial<Body<'announcement'>> = {},
  ): SignedMessage {
    const contributors = sites.map((site) => {
      const { message } = this.contributionOf(fields, site)
      const { deal } = this.contributionBody(fields, site)
      return { site, deal, body: message.body, signature: message.signature }
    })
    const { model } = this.contributionBody(fields, sites[0] as SiteId)
    const body = { ...fields, model, contributors, ...change }
    const message = signBody('announcement', coordinatorName, body, this.identity)
    this.heard.noteAnnounced(message)
    return message
  }

  contributionOf({ round }: AttemptFields, site: SiteId) {
    return this.heard.contributionOf(round, site)
  }

  contributionBody({ round }: AttemptFields, site: SiteId): Body<'contribution'> {
    return this.heard.contributionBody(round, site)
  }

  /** Asks `sites` for their answers; what each refuses with, or null. Colluders are not asked: their shares are known. */
  async ask(announcement: SignedMessage, sites: readonly SiteId[]): Promise<(CodedError | null)[]> {
    const outcomes: (CodedError | null)[] = []
    for (const site of sites) outcomes.push(await this.tell(site, { kind: 'answer', announcement }))
    return outcomes
  }

  boxesFor({ round }: Pick<AttemptFields, 'round'>, to: SiteId): DealtBox[] {
    return this.heard.boxesFor(round, to)
  }

  /** Shares that the given honest sites hold of `dealers`' keys: what they must never show, for the positive controls. */
  forbidden({ round }: AttemptFields, sites: readonly SiteId[], dealers: readonly SiteId[]): Partial<Holdings> {
    const insiders = sites.map((site) => {
      const boxKeys = this.#honestKeys.get(site) as BoxKeys
      const approved = this.approvedBy(site)
      return new Colluder({ ring: this.ring, approved, identity: identityNamed(site), boxKeys })
    })
    return this.heard.forbidden(round, insiders, dealers)
  }

  /** What the adversary reads of `victim`'s vector in that round, with `more` than it holds. */
  learned({ round }: AttemptFields, victim: SiteId, more: Partial<Holdings> = {}): Learned {
    return this.heard.learned(round, victim, this.colluders, more)
  }

  /** The same reading with the shares of as many honest holders as the threshold lacks. */
  control(fields: AttemptFields, victim: SiteId): Learned {
    const helpers = this.holders.filter((site) => this.colluders.some(({ name }) => name === site)).length
    const insiders = this.honestHolders.slice(0, Math.max(0, this.threshold - helpers))
    return this.learned(fields, victim, this.forbidden(fields, insiders, [victim]))
  }

  truthOf({ round }: AttemptFields, site: SiteId): Float64Array {
    return this.heard.truthOf(round, site)
  }

  layoutOf(step: number): SlotLayout {
    return this.heard.layoutOf(step)
  }

  close(): void {
    for (const site of this.honest) site.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  readonly #given = new Map<SiteId, Float64Array>()

  #fromColluder(colluder: Colluder, fields: AttemptFields, broadcast: SignedMessage): void {
    const values = uniform(this.layoutOf(fields.step))
    const sealed = colluder.contribute(broadcast, values)
    this.round(fields).contributions.set(colluder.name, sealed)
    this.round(fields).truths.set(colluder.name, values)
  }

  #executed(site: SiteId, queryIndex: number): Contribution {
    const { queries } = this.approvedBy(site)
    const query = queries[queryIndex] as (typeof queries)[number]
    const values = this.onQuery(site, slotLayoutOf(query, this.sites.length))
    // Handed over: whoever seals it leaves nothing behind.
    this.#given.set(site, values.slice())
    return new Contribution(query, values)
  }

  #raise(error: CodedError | null): void {
    if (error !== null) throw error
  }
}
