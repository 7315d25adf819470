import type { Ring } from '@tributary/shared/he/ring'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { BlobFolder } from '@tributary/shared/store/blob-folder'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { PublishedStudy } from '../studies/study-store.ts'
import { kept, openRoundBody } from '../rounds/round-messages.ts'
import type { RoundState } from '../rounds/round.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { OpenedRound } from '../rounds/study-run-parts.ts'
import { openNoisySum } from './noisy-sum.ts'

/** Opens the announced sum of a round from what the sites sent. Throws `AGGREGATE_INVALID` when the answers do not open it. */
export const openRoundSum = async (
  parts: { readonly ring: Ring; readonly store: RoundStore; readonly contributions: BlobFolder },
  published: PublishedStudy,
  state: RoundState,
): Promise<OpenedRound> => {
  const { ring, store, contributions } = parts
  const sites = published.manifest.sites.map((site) => siteId(site.name))
  const holder = (site: SiteId) => sites.indexOf(site) + 1
  async function* ciphertexts() {
    for (const site of state.contributors) {
      const message = kept(store, state, 'contribution', site)
      yield await contributions.get(openRoundBody('contribution', message, site, published, state).ciphertext)
    }
  }
  const answers = store
    .messages(state.round, 'answer')
    .filter(({ site }) => state.answered.includes(site))
    .map(({ site, message }) => ({
      holder: holder(site),
      share: openRoundBody('answer', message, site, published, state).share,
    }))
  const { sum, suspects } = await openNoisySum({
    ring,
    query: queriesOf(published.manifest.plan)[state.query] as ReturnType<typeof queriesOf>[number],
    sites: sites.length,
    threshold: published.manifest.plan.threshold,
    context: {
      round: state.round,
      roster: published.rosterHash,
      plan: published.manifestHash,
      model: state.model as NonNullable<typeof state.model>,
    },
    contributions: ciphertexts(),
    answers,
  })
  return { sum, suspects: suspects.map((index) => sites[index - 1] as SiteId) }
}
