import { queryOfStep } from '@tributary/shared/dp/steps'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { createRing } from '@tributary/shared/he/create-ring'
import type { SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import { type Body, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Task } from '@tributary/shared/wire/federation-api'
import { coordinatorName } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { AttemptFields } from '../../site-agent/policy/round-guard.ts'
import type { Colluder } from './colluder.ts'
import { type AdversaryParts, SubvertedFederation } from './subverted-federation.ts'
import { uniform } from './uniform-vector.ts'

export type { AdversaryParts } from './subverted-federation.ts'

const ring = createRing()

/**
 * A coordinator that plays false: it signs whatever it likes with the coordinator's key and tells each site something else. It sends
 * no order of its own accord: each attack says which.
 */
export class Adversary extends SubvertedFederation {
  static async open(parts: AdversaryParts): Promise<Adversary> {
    const adversary = new Adversary(await ring, parts)
    await adversary.approveAll()
    return adversary
  }

  /** A site does what it is told, or says why not: the code, and what for, that it throws. */
  async tell(site: SiteId, task: Exclude<Task, { kind: 'wait' | 'finished' }>): Promise<CodedError | null> {
    try {
      await this.site(site).worker.perform(task)
      return null
    } catch (thrown) {
      const error = asCodedError(thrown)
      this.refusals.push(error)
      return error
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

  async check(step: number, attempt: number, sites: readonly SiteId[] = this.honestHolders): Promise<void> {
    for (const site of sites) this.#raise(await this.tell(site, { kind: 'check', study: this.study, step, attempt }))
  }

  /** Who dealt for an attempt, by name, as a broadcast lists them. */
  dealersOf(fields: AttemptFields): Body<'broadcast'>['dealers'] {
    return [...this.round(fields).deals]
      .map(([site, { message }]) => ({ site, deal: hashBytes(message.body) }))
      .toSorted((a, b) => (a.site < b.site ? -1 : 1))
  }

  /** The broadcast of an attempt that everybody dealt for, with `change`s, signed. */
  broadcast(fields: AttemptFields, change: Partial<Body<'broadcast'>> = {}): SignedMessage {
    const body: Body<'broadcast'> = {
      ...fields,
      manifest: this.approvedBy(this.sites[0] as SiteId).manifestHash,
      query: queryOfStep(this.approvedBy(this.sites[0] as SiteId).queries, fields.step).query,
      model: hashBytes(this.onModel(this.sites[0] as SiteId)),
      dealers: this.dealersOf(fields),
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

  /** Asks `sites` for their answers; what each refuses with, or null. Colluders are not asked: their shares are known. */
  async ask(announcement: SignedMessage, sites: readonly SiteId[]): Promise<(CodedError | null)[]> {
    const outcomes: (CodedError | null)[] = []
    for (const site of sites) outcomes.push(await this.tell(site, { kind: 'answer', announcement }))
    return outcomes
  }

  #fromColluder(colluder: Colluder, fields: AttemptFields, broadcast: SignedMessage): void {
    const values = uniform(this.layoutOf(fields.step))
    const sealed = colluder.contribute(broadcast, values)
    this.round(fields).contributions.set(colluder.name, sealed)
    this.round(fields).truths.set(colluder.name, values)
  }

  #raise(error: CodedError | null): void {
    if (error !== null) throw error
  }
}
