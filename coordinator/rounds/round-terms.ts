import { siteId } from '@tributary/shared/ids'
import { shareHolders } from '@tributary/shared/study/share-holders'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { RoundTerms } from './round.ts'

/** Extra wait for answers beyond the threshold: long enough for sites on their way, short against a round. */
const graceMs = 2_000

/** What the manifest says of every round, all sites taking part and awaited. */
export const termsOf = ({ manifest, roster }: PublishedStudy): RoundTerms => ({
  sites: manifest.sites.map((site) => siteId(site.name)),
  holders: shareHolders(manifest, roster),
  awaited: manifest.sites.map((site) => siteId(site.name)),
  barred: [],
  distrusted: [],
  least: manifest.federation.least_contributors,
  threshold: manifest.plan.threshold,
  dealMs: 1_000 * manifest.deadlines.deal_seconds,
  contributeMs: 1_000 * manifest.deadlines.contribute_seconds,
  answerMs: 1_000 * manifest.deadlines.answer_seconds,
  graceMs,
})
