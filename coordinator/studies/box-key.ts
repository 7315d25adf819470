import { sealBox } from '@tributary/shared/he/box'
import type { SiteId } from '@tributary/shared/ids'
import type { Body } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { roundIdOf } from '@tributary/shared/wire/round-id'

/**
 * Seals an empty box to the key, as dealers will seal shares to it, and throws it away: a key that every dealer would fail on
 * must not be kept for them. Throws `BOX_INVALID`, naming the site. Cost: one X25519 and one ML-KEM-768 encapsulation.
 */
export const requireUsableBoxKey = (site: SiteId, { study, key }: Body<'box-keys'>): void => {
  const empty = new Uint8Array(0)
  const context = { study, round: roundIdOf(study, 0, 0), roster: hashBytes(empty), from: site, to: site }
  sealBox(key, context, empty)
}
