import type { FrameRing } from '@tributary/shared/he/frame'
import type { Clock } from '@tributary/shared/ports'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'
import type { SiteQueries } from '../contribution/query-thread.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { SiteClient } from '../link/client.ts'
import type { AnswerLog } from '../policy/answer-log.ts'
import type { BoxKeyRing } from '../policy/box-key-ring.ts'
import type { PeerCounters } from '../policy/peer-counters.ts'
import type { RosterWatch } from '../policy/roster-watch.ts'
import type { Outbox } from './outbox.ts'
import type { Sealing } from './sealing.ts'

/** What a site's part of a round is done with. */
export interface RoundWorkerParts {
  /** What frames and shares depend on; SEAL itself is where `sealing` is. */
  readonly ring: FrameRing
  readonly sealing: Sealing
  readonly identity: IdentityKey
  readonly client: SiteClient
  readonly outbox: Outbox
  readonly ledger: Ledger
  readonly answers: AnswerLog
  readonly counters: PeerCounters
  readonly boxKeys: BoxKeyRing
  readonly rosterWatch: Pick<RosterWatch, 'refresh' | 'removed'>
  /** Answers a query of this study over this site's records, wherever they are. */
  readonly execute: SiteQueries['execute']
  readonly clock: Clock
  readonly log: Logger
  /** Asked right before a charge and before every try of sending: false once the officer paused or revoked the study. */
  readonly isApproved: () => boolean
}
