import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { derivedBoxKey } from '@tributary/shared/he/box'
import type { Ring } from '@tributary/shared/he/ring'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import { openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Task, UploadPart } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import type { InProcessFederation } from '../harness/in-process-federation.ts'
import type { Colluder } from './colluder.ts'
import { type Overheard, roundOf } from './overheard.ts'
import { uniform } from './uniform-vector.ts'

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

interface Insider {
  readonly federation: InProcessFederation
  readonly insider: Colluder
  readonly heard: Overheard
  readonly tricks: Tricks
}

/** What a hospital in bad hands does with the work that it is given. */
export class InsiderTurns {
  /** What it was refused with, in order. */
  readonly refused: CodedError[] = []
  /** How the coordinator took each stream of its last upload. */
  readonly uploaded: (CodedError | null)[] = []
  readonly #federation: InProcessFederation
  readonly #insider: Colluder
  readonly #heard: Overheard
  readonly #tricks: Tricks
  readonly #sent = new Set<RoundId>()

  constructor({ federation, insider, heard, tricks }: Insider) {
    this.#federation = federation
    this.#insider = insider
    this.#heard = heard
    this.#tricks = tricks
  }

  /** Asks for work and does it its own way. */
  async turn(): Promise<void> {
    const { coordinator, study } = this.#federation
    const peer = { site: this.#insider.name, serial: '01' }
    try {
      const task = await coordinator.handlers.next(peer, { study, waitMs: 0 }, new AbortController().signal)
      await this.#perform(task)
    } catch (thrown) {
      this.refused.push(asCodedError(thrown))
    }
  }

  async #perform(task: Task): Promise<void> {
    const insider = this.#insider
    const { handlers } = this.#federation.coordinator
    const { shares, lieAbout, counter, parts, answer, uploads, slots, opens = true } = this.#tricks
    const peer = { site: insider.name, serial: '01' }
    const isFirst = 'step' in task && task.step === 0
    switch (task.kind) {
      case 'deal': {
        const fields = insider.attempt(task.step, task.attempt)
        const deal =
          insider.deals.get(fields.round) ??
          insider.deal(fields, task.boxKeys, isFirst && shares ? (dealt) => shares(dealt, this.#heard.ring) : undefined)
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
        const own = slots?.(plan, this.#heard.ring) ?? { layout: plan, sealed: honest, values: honest }
        const { layout, values } = own
        const sealed = insider.contribute(task.broadcast, own.sealed, { change: parts, layout, counter })
        this.#heard.round(round).truths.set(insider.name, values)
        await handlers.offer(peer, sealed.message, sealed.parts.map(hashBytes))
        const streams = uploads?.(sealed.parts) ?? [sealed.parts.map((data, part) => ({ part, data }))]
        for (const stream of streams) this.uploaded.push(await refusalOf(handlers.parts(peer, round, streamOf(stream))))
        this.refused.push(...this.uploaded.filter((error) => error !== null))
        const { contributions } = this.#heard.round(round)
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
            answer && ((share) => answer(share, this.#heard.ring)),
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
        const opening = openBody('deal-opening', task.opening, memberOf(this.#federation.roster, dealer))
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
