import { queriesOf } from '@tributary/shared/study/plan-block'
import { siteId } from '@tributary/shared/ids'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import type { RoundWorkerParts } from '../../site-agent/update/round-worker.ts'

/**
 * A site's query for tests: a 1 at the site's own place and zeros elsewhere, without noise. In a correct sum every place
 * holds 0 or 1; a contribution counted twice shows as a 2, a lost one as a 0.
 */
export const oneHotQuery =
  (site: string): RoundWorkerParts['execute'] =>
  async ({ manifest, queryIndex }) => {
    const query = queriesOf(manifest.plan)[queryIndex]
    if (query === undefined) throw new Error('no such query')
    const integers = new Float64Array(query.dimension)
    integers[manifest.sites.findIndex(({ name }) => siteId(name) === site)] = 1
    return new Contribution(query, integers)
  }
