import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CodedError } from '@tributary/shared/errors'
import type { BoxKeys } from '@tributary/shared/he/box'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { Ring } from '@tributary/shared/he/ring'
import { type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { encodeParameters } from '@tributary/shared/synthesizers/parameters'
import { type Body, openBody } from '@tributary/shared/wire/body'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { memberOf, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
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

const folderOf = () => mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tributary-attack-'))

/** Identities stay, so that two studies of one process have the same hospitals. */
const identities = new Map<string, IdentityKey>()
const identityNamed = (name: string): IdentityKey => {
  const identity = identities.get(name) ?? generateIdentity()
  identities.set(name, identity)
  return identity
}

/**
 * A federation in the adversary's hand: it keeps every message, and some hospitals are its own. The others are the product's agents
 * over their real stores, on the real ring. Nothing moves in it of its own accord.
 */
export class SubvertedFederation implements FalseCoordinator {
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
  /** What honest sites refused with. */
  readonly refusals: CodedError[] = []
  /** Names of nobody in the study, which the attack made up. */
  readonly strangers: SiteId[] = []
  readonly #folder = folderOf()
  readonly #honestKeys = new Map<SiteId, BoxKeys>()
  readonly #given = new Map<SiteId, Float64Array>()

  protected constructor(engine: Ring, parts: AdversaryParts) {
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

  protected async approveAll(): Promise<void> {
    for (const site of this.honest) {
      await site.approve()
      if (this.holders.includes(site.name)) this.#honestKeys.set(site.name, site.boxKeys().privateKeys(this.study, 0))
    }
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

  /**
   * Who is named, and where: of whose deals an honest holder signed that it found no share in them, whom a refusal mentions, and who
   * found out of itself that it was restored. None of it says yet who is to blame.
   */
  get named(): string[] {
    const dealers = this.heard
      .rounds()
      .flatMap(({ checks }) =>
        [...checks].flatMap(([site, message]) =>
          openBody('check', message, memberOf(this.roster, site)).checks.flatMap((each) =>
            each.value === null ? [each.site] : [],
          ),
        ),
      )
    const words = new Set(this.refusals.flatMap(({ message }) => message.split(/[^\w-]+/)))
    const restored = this.honest.filter(({ ledger }) => ledger.restoration(() => undefined) !== null)
    return [
      ...[...new Set(dealers)].toSorted().map((site) => `${site}, in checks`),
      ...[...this.sites, ...this.strangers].filter((site) => words.has(site)).map((site) => `${site}, in refusals`),
      ...restored.map(({ name }) => `${name}, by itself`),
    ]
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

  /** Honest sites that hold shares. */
  get honestHolders(): SiteId[] {
    return this.names().filter((site) => this.holders.includes(site))
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

  contributionOf({ round }: AttemptFields, site: SiteId) {
    return this.heard.contributionOf(round, site)
  }

  contributionBody({ round }: AttemptFields, site: SiteId): Body<'contribution'> {
    return this.heard.contributionBody(round, site)
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

  #executed(site: SiteId, queryIndex: number): Contribution {
    const { queries } = this.approvedBy(site)
    const query = queries[queryIndex] as (typeof queries)[number]
    const values = this.onQuery(site, slotLayoutOf(query, this.sites.length))
    // Handed over: whoever seals it leaves nothing behind.
    this.#given.set(site, values.slice())
    return new Contribution(query, values)
  }
}
