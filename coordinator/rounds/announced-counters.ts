import type { PublishedStudy } from '../studies/study-store.ts'
import { kept, openRoundBody } from './round-messages.ts'
import type { RoundState } from './round-state.ts'
import type { RoundStore } from './round-store.ts'

/** Keeps the counters of a set together with its announcement: what they are from then on is not to be taken again (R4). */
export const keepCounters = (published: PublishedStudy, round: RoundState, store: RoundStore): void => {
  for (const site of round.contributors) {
    const message = kept(store, round, 'contribution', site)
    const { counter } = openRoundBody('contribution', message, site, published, round)
    store.keepCounter(published.study, site, counter)
  }
}
