import { type SiteId } from '@tributary/shared/ids'
import { CodedError } from '@tributary/shared/errors'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import type { PublishedStudy } from '../studies/study-store.ts'
import { openRoundBody } from '../rounds/round-messages.ts'
import type { RoundState } from '../rounds/round.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { OpenedRound } from '../rounds/study-run-parts.ts'
import type { ContributionStore } from './contribution-store.ts'
import { noisySumOf } from './noisy-sum.ts'
import type { Opening } from './opening.ts'

/** What an opening reads, and where its key is rebuilt. */
export interface OpeningParts {
  readonly store: RoundStore
  readonly contributions: ContributionStore
  readonly opening: Opening
}

/** Opens the announced sum of a round from what the sites sent. Throws `AGGREGATE_INVALID` when the answers do not open it. */
export const openRoundSum = async (
  { store, contributions, opening }: OpeningParts,
  published: PublishedStudy,
  state: RoundState,
): Promise<OpenedRound> => {
  const { manifest, roster, rosterHash, manifestHash } = published
  const holders = shareHolders(manifest, roster)
  const query = queriesOf(manifest.plan)[state.query] as ReturnType<typeof queriesOf>[number]
  const layout = slotLayoutOf(query, manifest.sites.length)
  const contributors = state.contributors.map((site) => {
    const hashes = store.partHashes(state.round, site)
    if (hashes === undefined) throw new CodedError('STATE_CORRUPT', `the parts of ${site} are not listed`)
    return { site, hashes }
  })
  const answers = store
    .messages(state.round, 'answer')
    .filter(({ site }) => state.answered.includes(site))
    .map(({ site, message }) => ({
      holder: holders.indexOf(site) + 1,
      share: openRoundBody('answer', message, site, published, state).share,
    }))
  const sealed = await contributions.sum(state.round, contributors, layout)
  const { steps, suspects } = await opening.open({
    layout,
    sum: sealed.residues(),
    contributors: contributors.length,
    context: {
      round: state.round,
      roster: rosterHash,
      plan: manifestHash,
      model: state.model as NonNullable<typeof state.model>,
    },
    threshold: manifest.plan.threshold,
    answers,
  })
  const sum = noisySumOf(query, steps, manifest, state.contributors)
  return { sum, suspects: suspects.map((index) => holders[index - 1] as SiteId) }
}
