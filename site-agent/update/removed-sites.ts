import { asCodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import type { RoundWorkerParts } from './round-parts.ts'

/**
 * Sites of the study that the admin has removed (R1), by the latest roster that is to be had: the coordinator must not be able to
 * stop the study by hiding it, only to delay a removal. Cost: one call.
 */
export const removedSites = async (
  { rosterWatch, log }: Pick<RoundWorkerParts, 'rosterWatch' | 'log'>,
  approved: ApprovedStudy,
): Promise<readonly SiteId[]> => {
  try {
    await rosterWatch.refresh()
  } catch (thrown) {
    const { code, message: why } = asCodedError(thrown)
    log.warn({ code, why }, 'the latest roster was not taken')
  }
  return rosterWatch.removed(approved)
}
