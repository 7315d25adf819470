import type { Verdict } from '@tributary/shared/he/deal-verdict'
import type { RoundId, SiteId, StudyId } from '@tributary/shared/ids'

/**
 * The dispute over one deal as a pure state machine (R24). It runs beside the rounds and never holds them up: the deal was left
 * out of its attempt before this begins, its key is never used, and nobody is excluded from anything by what comes out.
 *
 *     opening-deal --dealer opened--> opening-boxes --all complainants showed--> judging --judged--> closed
 *          |                               |                                       ^
 *          +-- deadline, or nobody to ask -+---------------- deadline -------------+
 *
 * It ends without a verdict where its evidence is damaged: `judging --cannot be judged--> closed`.
 */
export interface Dispute {
  readonly study: StudyId
  readonly round: RoundId
  readonly step: number
  readonly attempt: number
  readonly dealer: SiteId
  readonly phase: 'opening-deal' | 'opening-boxes' | 'judging' | 'closed'
  /** Milliseconds since 1970. */
  readonly began: number
  readonly deadline: number
  /** Holders whose signed value is not what the opened deal gives; nobody before it is opened. */
  readonly complainants: readonly SiteId[]
  /** Complainants who showed which key their box gave. */
  readonly shown: readonly SiteId[]
  readonly verdict: Verdict | null
  /** Of a closed dispute without a verdict: why it cannot be judged. */
  readonly fault?: string
}

export type DisputeEvent =
  | { readonly type: 'deal-opened'; readonly complainants: readonly SiteId[] }
  | { readonly type: 'box-opened'; readonly site: SiteId }
  | { readonly type: 'judged'; readonly verdict: Verdict }
  | { readonly type: 'cannot be judged'; readonly why: string }
  | { readonly type: 'tick' }

export const newDispute = (
  facts: Pick<Dispute, 'study' | 'round' | 'step' | 'attempt' | 'dealer'>,
  now: number,
  waitMs: number,
): Dispute => ({
  ...facts,
  phase: 'opening-deal',
  began: now,
  deadline: now + waitMs,
  complainants: [],
  shown: [],
  verdict: null,
})

/** The dispute after an event; the same object where it changes nothing. `waitMs`: how long each party has. */
export function disputeAfter(dispute: Dispute, event: DisputeEvent, now: number, waitMs: number): Dispute {
  const late = now >= dispute.deadline
  switch (dispute.phase) {
    case 'opening-deal':
      if (event.type === 'deal-opened') {
        const { complainants } = event
        const phase = complainants.length === 0 ? 'judging' : 'opening-boxes'
        return { ...dispute, complainants, phase, deadline: now + waitMs }
      }
      return late ? { ...dispute, phase: 'judging' } : dispute
    case 'opening-boxes': {
      const isShown = event.type === 'box-opened' && dispute.complainants.includes(event.site)
      const shown = isShown ? [...new Set([...dispute.shown, event.site])].toSorted() : dispute.shown
      if (late || shown.length === dispute.complainants.length) return { ...dispute, shown, phase: 'judging' }
      return isShown ? { ...dispute, shown } : dispute
    }
    case 'judging':
      if (event.type === 'cannot be judged') return { ...dispute, phase: 'closed', fault: event.why }
      return event.type === 'judged' ? { ...dispute, phase: 'closed', verdict: event.verdict } : dispute
    case 'closed':
      return dispute
  }
}

/** What this site is to do for the dispute, if anything. */
export const askedOf = (dispute: Dispute, site: SiteId): 'open-deal' | 'open-box' | null => {
  if (dispute.phase === 'opening-deal') return site === dispute.dealer ? 'open-deal' : null
  if (dispute.phase !== 'opening-boxes' || !dispute.complainants.includes(site)) return null
  return dispute.shown.includes(site) ? null : 'open-box'
}
