import type { Verdict } from '@tributary/shared/he/deal-verdict'
import type { SiteId } from '@tributary/shared/ids'
import type { Dispute } from './dispute.ts'

/** One name for each state, in words and in JSON; inside, a decided dispute is a closed one, and so is one without a verdict. */
export type DisputeState = Exclude<Dispute['phase'], 'closed'> | 'decided' | 'unjudged'

export const stateOf = ({ phase, verdict }: Pick<Dispute, 'phase' | 'verdict'>): DisputeState => {
  if (phase !== 'closed') return phase
  return verdict === null ? 'unjudged' : 'decided'
}

const waiting: Readonly<Record<DisputeState, string>> = {
  'opening-deal': 'opening-deal: waits for the dealer to open its deal',
  'opening-boxes': 'opening-boxes: waits for those who complained to open their boxes',
  judging: 'judging: about to be decided',
  decided: 'decided',
  unjudged: 'unjudged: over without a verdict, its evidence is damaged',
}

export const stateInWords = (state: DisputeState): string => waiting[state]

export interface Named {
  readonly site: SiteId
  readonly finding: string
  /** By the site's own signature; else somebody's word, or silence. */
  readonly proven: boolean
}

/** Whom a verdict names, and whether a signature proves it. */
export const namedBy = (dealer: SiteId, verdict: Verdict | null): Named[] => {
  if (verdict === null) return []
  const bad = verdict.dealer === 'bad'
  const contradicted = verdict.holders.some(({ finding }) => finding === 'contradicts')
  const finding = bad ? 'dealt badly' : verdict.dealer === 'unopened' ? 'would not open its deal' : 'contradicted'
  return [
    ...(verdict.dealer === 'sound' && !contradicted ? [] : [{ site: dealer, finding, proven: bad }]),
    ...verdict.holders.map((holder) => ({ ...holder, proven: holder.finding === 'lied' })),
  ]
}

export const namedInWords = (named: readonly Named[]): string =>
  named
    .map(
      ({ site, finding, proven }) => `${site} (${finding}, ${proven ? 'proven by its own signature' : 'not proven'})`,
    )
    .join(', ') || 'nobody'
