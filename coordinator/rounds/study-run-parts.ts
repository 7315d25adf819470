import type { SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { BlobFolder } from '@tributary/shared/store/blob-folder'
import type { Logger } from 'pino'
import type { ContributionStore } from '../aggregate/contribution-store.ts'
import type { Training } from '../model/training.ts'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { Distrusted, RoundState } from './round-state.ts'
import type { RoundStore } from './round-store.ts'

/** Opens a round's sum. Kept out of this file so that rounds know nothing of rings. */
export type OpenRound = (published: PublishedStudy, state: RoundState) => Promise<OpenedRound>
export interface OpenedRound {
  readonly sum: Parameters<Training['after']>[1]
  readonly suspects: readonly SiteId[]
}

export interface StudyRunParts {
  readonly published: PublishedStudy
  readonly store: RoundStore
  /** Training states and broadcast weights of this study alone. */
  readonly models: BlobFolder
  /** Sealed contributions to this study's open rounds alone. */
  readonly contributions: ContributionStore
  readonly clock: Clock
  readonly log: Logger
  readonly open: OpenRound
  /** Finishes a training after its last sum, away from the thread that serves the sites. Asked again after a restart, it gives the same. */
  readonly finish: (training: Training) => Promise<Training>
  /**
   * The dealers of a checked attempt whose deal must not be used; their disputes are begun, durably, before this returns. Found
   * and begun again after a restart, it changes nothing.
   */
  readonly sift: (state: RoundState) => readonly SiteId[]
  /** Whose checks of this attempt's deals are left out. */
  readonly distrusted: (state: RoundState) => Distrusted
  /** Share holders who brought box keys for an epoch. */
  readonly keyed: (epoch: number) => readonly SiteId[]
  /** Sites of the study that were revoked or removed from the roster; asked at every event. */
  readonly barred: () => readonly SiteId[]
}
