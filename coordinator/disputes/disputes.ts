import { asCodedError, CodedError, type ErrorCode } from '@tributary/shared/errors'
import { complainants, dealVerdict } from '@tributary/shared/he/deal-verdict'
import type { FrameRing } from '@tributary/shared/he/frame'
import type { Digest, RoundId, SiteId, StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox, Task } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'
import { openRoundBody, roundNamed } from '../rounds/round-messages.ts'
import type { Distrusted, RoundState } from '../rounds/round-state.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { PublishedStudy, StudyStore } from '../studies/study-store.ts'
import { distrusted } from './distrusted.ts'
import { askedOf, type Dispute, type DisputeEvent, disputeAfter, newDispute } from './dispute.ts'
import type { DisputeStore, EvidenceKind } from './dispute-store.ts'
import { disputedDeal } from './disputed-deal.ts'
import { disputeKey, KnownDisputes } from './known-disputes.ts'

/** A site that refused what it was asked is not asked again at once: its other work comes first. */
const repeatMs = 10_000

/** A verdict that is due comes at the next look. */
const judgeMs = 10_000

/** What may be over by the next look; after anything else a dispute is left alone. */
const passing = new Set<ErrorCode>(['DISK_FULL', 'STORE_LOCKED'])

export interface DisputesParts {
  readonly store: DisputeStore
  readonly studies: Pick<StudyStore, 'study'>
  readonly ring: FrameRing
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Drives disputes over deals beside the rounds (R24): asks the dealer to open its deal, then those who complained for their keys,
 * each until a deadline, and names who is wrong. Every step is stored before the next; a restart goes on from the store. Each
 * opening and each verdict takes the event loop some 10 ms at 20 holders, or several times that where the core is shared
 * (shared/he/deal-verdict); what is due at one look is judged in one go.
 */
export class Disputes {
  readonly #parts: DisputesParts
  readonly #known: KnownDisputes
  /** Of each dispute, when a site may be asked for the same thing again. */
  readonly #asked = new Map<string, Map<string, number>>()
  /** When a dispute that could not go on is looked at again. */
  #retryAt = 0
  /** As of the latest verdict. */
  readonly #distrusted = new Map<StudyId, readonly SiteId[]>()

  constructor(parts: DisputesParts) {
    this.#parts = parts
    this.#known = new KnownDisputes(parts.store, parts.log)
  }

  /**
   * Keeps the evidence of the round's disputed deals and begins their disputes; those begun before change nothing. Where the store is
   * damaged there is none: the deal is left out of its attempt all the same. Throws what is over after a time.
   */
  begin(published: PublishedStudy, state: RoundState, rounds: RoundStore, dealers: readonly SiteId[]): void {
    const { study } = published
    const { round, step, attempt } = state
    for (const dealer of dealers) {
      const fields = { study, round, step, attempt, dealer }
      try {
        this.#beginOne(published, fields, rounds)
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        if (code !== 'STATE_CORRUPT') throw thrown
        this.#parts.log.error({ ...fields, code, why: message }, 'a deal is disputed, and nobody can find out why')
      }
    }
  }

  #beginOne(published: PublishedStudy, fields: Parameters<typeof newDispute>[0], rounds: RoundStore): void {
    const { store, clock, log } = this.#parts
    const { round, dealer } = fields
    if (store.dispute(round, dealer) !== undefined) return
    const deal = rounds.message(round, 'deal', dealer)
    if (deal === undefined) throw new CodedError('STATE_CORRUPT', `the deal of ${dealer} is missing`)
    const dispute = newDispute(fields, clock.now(), waitOf(published))
    store.transaction(() => {
      store.save(dispute)
      store.keep(dispute, 'deal', dealer, deal)
      for (const { holder, box } of rounds.boxesOf(round, dealer)) store.keepBox(dispute, holder, box)
      for (const { site, message } of rounds.messages(round, 'check')) store.keep(dispute, 'check', site, message)
    })
    this.#known.note(dispute)
    log.warn(fields, 'a deal is disputed: it is left out of this attempt')
  }

  /**
   * Holders whose checks of this attempt's deals are left out (distrusted.ts). Undecided while a dispute over an earlier attempt of
   * the step is open, or whoever is slow to answer in it could spoil one attempt after the other meanwhile; for two deadlines at most.
   */
  distrusted({ study, manifest }: PublishedStudy, { step, attempt }: RoundState): Distrusted {
    const { store, clock } = this.#parts
    const isDecisive = (dispute: Dispute) =>
      dispute.study === study && dispute.step === step && dispute.attempt < attempt
    // One whose end cannot be stored, say, holds up nobody.
    const isDue = (dispute: Dispute) => isDecisive(dispute) && clock.now() < dispute.deadline + judgeMs
    if (this.#known.pending().some(isDue)) return 'undecided'
    const known = this.#distrusted.get(study)
    if (known !== undefined) return known
    const disputes = this.#known.ask(() => store.disputes(study), null)
    if (disputes === null) return []
    const found = distrusted(disputes, manifest.federation.colluders)
    this.#distrusted.set(study, found)
    return found
  }

  /** What `site` is asked for now, if anything; the same again after a pause only. */
  task(study: StudyId, site: SiteId): Task | null {
    const { store, clock } = this.#parts
    for (const dispute of this.#known.pending()) {
      const asked = dispute.study === study ? askedOf(dispute, site) : null
      const again = this.#asked.get(disputeKey(dispute)) ?? new Map<string, number>()
      const what = `${site} ${asked}`
      if (asked === null || clock.now() < (again.get(what) ?? 0)) continue
      this.#asked.set(disputeKey(dispute), again.set(what, clock.now() + repeatMs))
      const { step, attempt, dealer } = dispute
      if (asked === 'open-deal') return { kind: 'open-deal', study, step, attempt }
      const opening = this.#known.ask(() => store.message(dispute, 'deal-opening', dealer), undefined)
      if (opening !== undefined) return { kind: 'open-box', opening }
    }
    return null
  }

  /**
   * Whether a dispute in this study may still ask `site` for something: until then it must not be sent away. Who complains of a deal
   * is known when it is open.
   */
  mayAsk(study: StudyId, site: SiteId): boolean {
    return this.#known
      .pending()
      .some(
        (dispute) => dispute.study === study && (dispute.phase === 'opening-deal' || askedOf(dispute, site) !== null),
      )
  }

  /** Disputed deals of a round whose boxes `site` is asked to open, and these boxes. */
  boxes(round: RoundId, site: SiteId): DealtBox[] {
    const { store } = this.#parts
    return this.#known
      .pending()
      .filter((dispute) => dispute.round === round && askedOf(dispute, site) === 'open-box')
      .flatMap((dispute) => {
        const deal = this.#known.ask(() => store.message(dispute, 'deal', dispute.dealer), undefined)
        const box = this.#known.ask(() => store.boxes(dispute).get(site), undefined)
        return deal === undefined || box === undefined ? [] : [{ deal, box }]
      })
  }

  /** The study of a message about a disputed round. Throws `ROUND_REFUSED` where there is none. */
  studyOf(message: SignedMessage): StudyId {
    return this.#ofRound(message)[0].study
  }

  /** The dealer opens its own deal; the same opening again changes nothing. Throws `ROUND_REFUSED`, and as `openRoundBody`. */
  openDeal(site: SiteId, message: SignedMessage): void {
    const { store, ring, studies } = this.#parts
    const dispute = this.#ofRound(message).find(({ dealer }) => dealer === site)
    if (dispute === undefined) throw refused(`no deal of ${site} is disputed in this attempt`)
    const published = studies.study(dispute.study)
    const body = openRoundBody('deal-opening', message, site, published, dispute)
    this.#refuseOther(body.deal, dispute)
    const known = disputedDeal(published, dispute, store)
    if (body.keys.length !== known.holders.length)
      throw refused(`a deal is opened with ${known.holders.length} keys, not ${body.keys.length}`)
    if (this.#isRepeated(dispute, 'deal-opening', site, message)) return
    if (dispute.phase !== 'opening-deal') throw refused('the time to open this deal is over')
    const asked = complainants(ring, { ...known, opening: body.keys })
    this.#advance(dispute, { type: 'deal-opened', complainants: asked }, published, () =>
      store.keep(dispute, 'deal-opening', site, message),
    )
  }

  /** A holder shows which key its box of an opened deal gave. Throws as `openDeal`. */
  openBox(site: SiteId, message: SignedMessage): void {
    const { store, studies } = this.#parts
    const disputes = this.#ofRound(message)
    const published = studies.study(disputes[0].study)
    const body = openRoundBody('box-opening', message, site, published, disputes[0])
    const dispute = disputes.find(({ dealer }) => dealer === body.dealer)
    if (dispute === undefined) throw refused(`no deal of ${body.dealer} is disputed in this attempt`)
    this.#refuseOther(body.deal, dispute)
    if (this.#isRepeated(dispute, 'box-opening', site, message)) return
    if (askedOf(dispute, site) !== 'open-box') throw refused(`nobody asks ${site} for this box now`)
    this.#advance(dispute, { type: 'box-opened', site }, published, () =>
      store.keep(dispute, 'box-opening', site, message),
    )
  }

  /**
   * Deadlines that passed, and verdicts that are due; one dispute that fails holds up no other, and no study. Returns the studies
   * whose sites may have something else to do now.
   */
  tick(): ReadonlySet<StudyId> {
    const { studies, clock, log } = this.#parts
    const moved = new Set<StudyId>()
    if (clock.now() < this.#retryAt) return moved
    this.#known.load()
    for (const dispute of this.#known.pending()) {
      try {
        if (this.#advance(dispute, { type: 'tick' }, studies.study(dispute.study))) moved.add(dispute.study)
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        log.error({ code, why: message, round: dispute.round, dealer: dispute.dealer }, 'a dispute cannot go on')
        if (passing.has(code)) this.#retryAt = clock.now() + repeatMs
        else this.#known.leave(dispute)
      }
    }
    return moved
  }

  #ofRound(message: SignedMessage): [Dispute, ...Dispute[]] {
    const named = roundNamed(message)
    const [first, ...rest] = typeof named === 'string' ? this.#parts.store.ofRound(named as RoundId) : []
    if (first === undefined) throw refused('this message is for no disputed attempt')
    return [first, ...rest]
  }

  /** True for bytes that are kept already. Throws `ROUND_REFUSED` for others beside those. */
  #isRepeated(dispute: Dispute, kind: EvidenceKind, site: SiteId, message: SignedMessage): boolean {
    const { store } = this.#parts
    return store.message(dispute, kind, site) !== undefined && !store.keep(dispute, kind, site, message)
  }

  #refuseOther(deal: Digest, dispute: Dispute): void {
    const disputed = this.#parts.store.message(dispute, 'deal', dispute.dealer)
    if (disputed === undefined || hashBytes(disputed.body) !== deal)
      throw refused('this is about another deal than the disputed one')
  }

  /** Stores what the event leads to and `alongside` at once; then judges where that is due. False where nothing changed. */
  #advance(dispute: Dispute, event: DisputeEvent, published: PublishedStudy, alongside?: () => void): boolean {
    const { store, clock, log } = this.#parts
    const next = disputeAfter(dispute, event, clock.now(), waitOf(published))
    if (next !== dispute || alongside !== undefined) {
      store.transaction(() => {
        alongside?.()
        store.save(next)
      })
      this.#known.note(next)
    }
    if (next.phase !== 'judging') return next !== dispute
    const closed = disputeAfter(next, this.#judgement(next, published), clock.now(), waitOf(published))
    store.save(closed)
    this.#known.note(closed)
    this.#asked.delete(disputeKey(closed))
    this.#distrusted.delete(closed.study)
    const { study, round, step, attempt, dealer, verdict, fault } = closed
    if (verdict === null) log.error({ study, round, step, attempt, dealer, why: fault }, 'a dispute cannot be judged')
    else log.warn({ study, round, step, attempt, dealer, verdict }, 'a dispute over a deal is decided')
    return true
  }

  /** Throws what is over after a time; evidence that is damaged stays so, and nobody is to wait for it. */
  #judgement(dispute: Dispute, published: PublishedStudy): DisputeEvent {
    const { ring, store } = this.#parts
    try {
      return { type: 'judged', verdict: dealVerdict(ring, disputedDeal(published, dispute, store)) }
    } catch (thrown) {
      const { code, message } = asCodedError(thrown)
      if (passing.has(code)) throw thrown
      return { type: 'cannot be judged', why: `${code}: ${message}` }
    }
  }
}

const waitOf = ({ manifest }: PublishedStudy): number => 1_000 * manifest.deadlines.deal_seconds

const refused = (why: string) => new CodedError('ROUND_REFUSED', why)
