import { wireStepOf } from '@tributary/shared/dp/fold'
import { queryOfStep } from '@tributary/shared/dp/steps'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { OpenedCounts } from '../harness/in-process-coordinator.ts'
import { createRing } from '@tributary/shared/he/create-ring'
import type { Ring } from '@tributary/shared/he/ring'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import { derivedBoxKey } from '@tributary/shared/he/box'
import { openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { FederationHandlers, Task, UploadPart } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { uniform } from './uniform-vector.ts'
import { attackSite, type AttackStudy, attackStudy } from './attack-study.ts'
import { Colluder } from './colluder.ts'
import type { Learned } from './holdings.ts'
import { Overheard, roundOf } from './overheard.ts'

/** A vector as a site of the plan would have packed it, and the slots that are sealed in its place. */
export interface OwnSlots {
  readonly layout: SlotLayout
  readonly sealed: Float64Array
  readonly values: Float64Array
}

/** What a hospital in bad hands does differently; with deals and checks in the first step alone. */
export interface Tricks {
  /** In its boxes in place of the shares. */
  readonly shares?: (shares: Uint8Array[], ring: Ring) => Uint8Array[]
  /** Dealers whose check values it falsifies. */
  readonly lieAbout?: readonly SiteId[]
  /** The counter in its contribution, in place of the next. */
  readonly counter?: number
  /** Its parts, before it signs for them. */
  readonly parts?: (parts: Uint8Array[]) => Uint8Array[]
  /** Its answer. */
  readonly answer?: (share: Uint8Array, ring: Ring) => Uint8Array
  /** What it uploads in place of its parts: one stream after another. */
  readonly uploads?: (parts: readonly Uint8Array[]) => readonly (readonly UploadPart[])[]
  /** Slots of its own making, and what it puts there, in place of the plan's. */
  readonly slots?: (plan: SlotLayout, ring: Ring) => OwnSlots | undefined
  /** False: it does not open its disputed deal, nor its boxes. */
  readonly opens?: boolean
}

const ring = createRing()

/**
 * The product's coordinator and agents on the real ring, with one hospital in bad hands; all that passes is overheard, as if the
 * network were open.
 */
export class InsideJob {
  readonly federation: InProcessFederation
  readonly insider: Colluder
  readonly heard: Overheard
  /** What the insider was refused with, in order. */
  readonly refused: CodedError[] = []
  /** How the coordinator took each stream of the insider's last upload. */
  readonly uploaded: (CodedError | null)[] = []
  /** What honest sites met with, in order. */
  readonly errors: { readonly site: SiteId; readonly error: CodedError }[] = []
  /** Vectors of honest sites. */
  onQuery: (site: SiteId, layout: SlotLayout) => Float64Array = (_, layout) => uniform(layout)
  /** Sites that get no turn now. */
  isAway: (site: SiteId) => boolean = () => false
  /** What the network makes of a part on its way. */
  onPart: (site: SiteId, part: UploadPart) => UploadPart = (_, part) => part
  readonly #tricks: Tricks
  readonly #given = new Map<SiteId, Float64Array>()
  readonly #sent = new Set<RoundId>()

  private constructor(
    engine: Ring,
    federation: InProcessFederation,
    parts: {
      readonly insider: number
      readonly tricks: Tricks
    },
  ) {
    const name = attackSite(parts.insider)
    this.federation = federation
    this.#tricks = parts.tricks
    const { study, manifest, roster } = federation
    const approved = approvedStudy(study, manifest, roster, name)
    const boxKeys = federation.site(name).boxKeys().privateKeys(study, 0)
    this.insider = new Colluder({ ring: engine, approved, identity: federation.identityOf(name), boxKeys })
    this.heard = new Overheard(engine, approved)
    for (const site of federation.sites) {
      site.execute = async ({ queryIndex }) => {
        const query = approved.queries[queryIndex] as (typeof approved.queries)[number]
        const step = approved.queries.slice(0, queryIndex).reduce((sum, { steps }) => sum + steps, 0)
        const values = this.onQuery(site.name, this.heard.layoutOf(step))
        this.#given.set(site.name, values.slice())
        return new Contribution(query, values)
      }
    }
    const { coordinator } = federation
    coordinator.handlers = this.#overhearing(coordinator.handlers)
  }

  /** `committee`: nobody; at most 20 sites. */
  static async open(
    parts: AttackStudy & {
      readonly insider: number
      readonly tricks: Tricks
    },
  ): Promise<InsideJob> {
    const engine = await ring
    const federation = await InProcessFederation.open(attackStudy(parts), { ring: engine })
    return new InsideJob(engine, federation, parts)
  }

  get honest(): SiteId[] {
    return this.federation.sites.map(({ name }) => name).filter((name) => name !== this.insider.name)
  }

  /** Turns of everybody and time, until `isDone`; throws when that takes too long. */
  async until(isDone: () => boolean): Promise<void> {
    for (let i = 0; i < 120; i++) {
      for (const name of [...this.honest, this.insider.name]) {
        if (isDone()) return
        if (this.isAway(name)) continue
        if (name === this.insider.name) await this.#turn()
        else await this.#honestTurn(name)
        await this.federation.quiet()
      }
      await this.federation.advance(10_000)
    }
    const { outcome, step } = this.federation.outcome
    throw new Error(`still ${outcome} in step ${step}`, { cause: this.errors })
  }

  /** Until the sum of `step` is opened; the contributors. */
  async opened(step = 0) {
    const found = () => this.federation.coordinator.opened.find((each) => each.step === step)
    await this.until(() => found() !== undefined)
    return found() as NonNullable<ReturnType<typeof found>>
  }

  learned(round: RoundId, victim: SiteId): Learned {
    return this.heard.learned(round, victim, [this.insider])
  }

  control(round: RoundId, victim: SiteId): Learned {
    const { threshold } = this.federation.manifest.plan
    const insiders = this.honest.slice(0, threshold - 1).map((name) => {
      const { study, manifest, roster } = this.federation
      const approved = approvedStudy(study, manifest, roster, name)
      const boxKeys = this.federation.site(name).boxKeys().privateKeys(study, 0)
      return new Colluder({ ring: this.heard.ring, approved, identity: this.federation.identityOf(name), boxKeys })
    })
    return this.heard.learned(round, victim, [this.insider], this.heard.forbidden(round, insiders, [victim]))
  }

  /** Whether an opened sum is the sum of what its contributors gave. */
  isExact({ step, attempt, contributors, sum }: OpenedCounts): boolean {
    return this.differences({ step, attempt, contributors, sum }).length === 0
  }

  /** Where an opened sum is another than that of what its contributors gave, and by how many steps of the grid. */
  differences({ step, attempt, contributors, sum }: Pick<OpenedCounts, 'step' | 'attempt' | 'contributors' | 'sum'>) {
    const { queries } = approvedStudy(
      this.federation.study,
      this.federation.manifest,
      this.federation.roster,
      this.insider.name,
    )
    const grid = (queries[queryOfStep(queries, step).query] as (typeof queries)[number]).grid
    const vectors = contributors.map((site) => this.truthOf(roundIdOf(this.federation.study, step, attempt), site))
    return [...sum].flatMap((value, at) => {
      const by = Math.round(value / wireStepOf(grid)) - vectors.reduce((all, vector) => all + (vector[at] ?? 0), 0)
      return by === 0 ? [] : [{ at, by }]
    })
  }

  truthOf(round: RoundId, site: SiteId): Float64Array {
    return this.heard.truthOf(round, site)
  }

  /** Whom the coordinator's log names, whose answers it suspects, and whom it refused. */
  get named(): SiteId[] {
    const { coordinator, sites } = this.federation
    const logged = coordinator.logged.map(({ site }) => site)
    const suspects: readonly SiteId[] = coordinator.opened.flatMap((opened) => opened.suspects)
    const isNamed = (site: SiteId): boolean =>
      logged.includes(site) || suspects.includes(site) || (site === this.insider.name && this.refused.length > 0)
    return sites.map(({ name }) => name).filter(isNamed)
  }

  close(): void {
    this.federation.close()
  }

  async #honestTurn(name: SiteId): Promise<void> {
    const { error } = await this.federation.site(name).turn()
    if (error !== null) this.errors.push({ site: name, error })
  }

  async #turn(): Promise<void> {
    const { coordinator, study } = this.federation
    const peer = { site: this.insider.name, serial: '01' }
    try {
      const task = await coordinator.handlers.next(peer, { study, waitMs: 0 }, new AbortController().signal)
      await this.#perform(task)
    } catch (thrown) {
      this.refused.push(asCodedError(thrown))
    }
  }

  async #perform(task: Task): Promise<void> {
    const { insider } = this
    const { handlers } = this.federation.coordinator
    const { shares, lieAbout, counter, parts, answer, uploads, slots, opens = true } = this.#tricks
    const peer = { site: insider.name, serial: '01' }
    const isFirst = 'step' in task && task.step === 0
    switch (task.kind) {
      case 'deal': {
        const fields = insider.attempt(task.step, task.attempt)
        const deal =
          insider.deals.get(fields.round) ??
          insider.deal(fields, task.boxKeys, isFirst && shares ? (dealt) => shares(dealt, this.heard.ring) : undefined)
        return await handlers.putDeal(peer, deal.message, deal.boxes)
      }
      case 'check': {
        const fields = insider.attempt(task.step, task.attempt)
        const boxes = await handlers.boxes(peer, fields.round)
        return await handlers.check(peer, insider.check(fields, boxes, isFirst ? lieAbout : []))
      }
      case 'contribute': {
        const round = roundOf(task.broadcast)
        if (this.#sent.has(round)) return
        this.#sent.add(round)
        const plan = insider.layoutOf(task.broadcast)
        const honest = uniform(plan)
        const own = slots?.(plan, this.heard.ring) ?? { layout: plan, sealed: honest, values: honest }
        const { layout, values } = own
        const sealed = insider.contribute(task.broadcast, own.sealed, { change: parts, layout, counter })
        this.heard.round(round).truths.set(insider.name, values)
        await handlers.offer(peer, sealed.message, sealed.parts.map(hashBytes))
        const streams = uploads?.(sealed.parts) ?? [sealed.parts.map((data, part) => ({ part, data }))]
        for (const stream of streams) this.uploaded.push(await refusalOf(handlers.parts(peer, round, streamOf(stream))))
        this.refused.push(...this.uploaded.filter((error) => error !== null))
        const { contributions } = this.heard.round(round)
        if (this.uploaded.includes(null)) contributions.set(insider.name, sealed)
        else contributions.delete(insider.name)
        return
      }
      case 'answer':
        return await handlers.answer(
          peer,
          insider.answer(
            task.announcement,
            await handlers.boxes(peer, roundOf(task.announcement)),
            answer && ((share) => answer(share, this.heard.ring)),
          ),
        )
      case 'open-deal': {
        const fields = insider.attempt(task.step, task.attempt)
        const deal = insider.deals.get(fields.round)
        if (deal === undefined || !opens) return
        const body = { ...fields, deal: hashBytes(deal.message.body), keys: [...deal.boxKeys] }
        return await handlers.openDeal(peer, insider.sign('deal-opening', body))
      }
      case 'open-box': {
        if (!opens) return
        const dealer = task.opening.signer as SiteId
        const opening = openBody('deal-opening', task.opening, memberOf(this.federation.roster, dealer))
        const { study, step, attempt, round, roster, deal } = opening
        const fields = { study, step, attempt, round, roster }
        const dealt = (await handlers.boxes(peer, round)).find((each) => each.deal.signer === dealer)
        const context = { study, round, roster, from: dealer, to: insider.name }
        const key = derivedBoxKey(insider.boxKeys, context, dealt?.box ?? new Uint8Array())
        return await handlers.openBox(peer, insider.sign('box-opening', { ...fields, dealer, deal, key }))
      }
      default:
        return
    }
  }

  #overhearing(handlers: FederationHandlers): FederationHandlers {
    const of = (message: SignedMessage) => this.heard.round(roundOf(message))
    const parts = new Map<string, Uint8Array[]>()
    return {
      ...handlers,
      next: async (peer, request, signal) => {
        const task = await handlers.next(peer, request, signal)
        if (task.kind === 'answer') this.heard.noteAnnounced(task.announcement)
        return task
      },
      putDeal: async (peer, message, boxes) => {
        await handlers.putDeal(peer, message, boxes)
        of(message).deals.set(peer.site, { message, boxes })
      },
      check: async (peer, message) => {
        await handlers.check(peer, message)
        of(message).checks.set(peer.site, message)
      },
      offer: async (peer, message, hashes) => {
        const state = await handlers.offer(peer, message, hashes)
        const sent: Uint8Array[] = []
        parts.set(`${peer.site} ${roundOf(message)}`, sent)
        of(message).contributions.set(peer.site, { message, parts: sent })
        const given = this.#given.get(peer.site)
        if (given !== undefined && peer.site !== this.insider.name) of(message).truths.set(peer.site, given)
        return state
      },
      parts: async (peer, round, stream) => {
        const sent = parts.get(`${peer.site} ${round}`) ?? []
        const passed = (part: UploadPart) => this.onPart(peer.site, part)
        const heard = async function* () {
          for await (const each of stream) {
            const arrived = passed(each)
            sent[each.part] = each.data
            yield arrived
          }
        }
        return await handlers.parts(peer, round, heard())
      },
      answer: async (peer, message) => {
        await handlers.answer(peer, message)
        of(message).answers.push({ site: peer.site, message })
      },
      openDeal: async (peer, message) => {
        await handlers.openDeal(peer, message)
        of(message).dealOpenings.push(message)
      },
      openBox: async (peer, message) => {
        await handlers.openBox(peer, message)
        of(message).boxOpenings.push(message)
      },
    }
  }
}

const refusalOf = async (work: Promise<unknown>): Promise<CodedError | null> => {
  try {
    await work
    return null
  } catch (thrown) {
    return asCodedError(thrown)
  }
}

async function* streamOf(parts: readonly UploadPart[]): AsyncGenerator<UploadPart> {
  yield* parts
}
