import type { FrameRing } from '@tributary/shared/he/frame'
import { areConsistent } from '@tributary/shared/he/share-check'
import type { SiteId } from '@tributary/shared/ids'
import { shareHolders } from '@tributary/shared/study/share-holders'
import type { PublishedStudy } from '../studies/study-store.ts'
import { openRoundBody } from './round-messages.ts'
import type { RoundState } from './round.ts'
import type { RoundStore } from './round-store.ts'

/**
 * The dealers of a checked attempt whose deal must not be used: a holder could not open its box, or the holders' values are not
 * on one polynomial. Who is wrong, dealer or holder, is for a dispute to find out (R24); holders that earlier ones showed to be
 * (`distrusted`) are not listened to. The same for equal states and messages, whatever verdict arrives, so that
 * a coordinator killed meanwhile finds the same. Cost O(dealers x holders^2) scalar products.
 */
export const siftDeals = (
  ring: FrameRing,
  published: PublishedStudy,
  state: RoundState,
  store: RoundStore,
): readonly SiteId[] => {
  const holders = shareHolders(published.manifest, published.roster)
  const { threshold } = published.manifest.plan
  const checks = store
    .messages(state.round, 'check')
    .filter(({ site }) => state.checked.includes(site) && !state.distrusted.includes(site))
    .map(({ site, message }) => ({
      holder: holders.indexOf(site) + 1,
      values: new Map(
        openRoundBody('check', message, site, published, state).checks.map((check) => [check.site, check.value]),
      ),
    }))
  const isSound = (dealer: SiteId): boolean => {
    const values = checks.map(({ holder, values: said }) => ({ holder, value: said.get(dealer) ?? null }))
    const found = values.flatMap(({ holder, value }) => (value === null ? [] : [{ holder, value }]))
    return found.length === values.length && areConsistent(ring, found, threshold)
  }
  // Whoever withdrew has lost its keys and could not open its deal; nothing is sealed under that one anyway.
  return state.dealers.filter((dealer) => !state.withdrawn.includes(dealer) && !isSound(dealer))
}
