import type { Clock } from '@tributary/shared/ports'
import type { Logger } from 'pino'
import type { EngineFacts, ThreadStudy } from './contribution/query-messages.ts'
import { QueryThread, type SiteQueries } from './contribution/query-thread.ts'
import { SealingThread } from './update/sealing-thread.ts'
import type { Sealing } from './update/sealing.ts'

export interface AgentPorts {
  readonly clock: Clock
  readonly log: Logger
  /** Bound by the composition root: production has a thread for each study's one-time keys, and one for its records. */
  readonly sealing: () => Promise<Sealing>
  readonly queries: (study: ThreadStudy) => Promise<SiteQueries>
}

/** `onEngine` is told what each study's thread computes with: none is loaded beside them. */
export const productionPorts = (
  clock: Clock,
  log: Logger,
  onEngine: (engine: EngineFacts) => void = () => undefined,
): AgentPorts => ({
  clock,
  log,
  sealing: () => SealingThread.open(),
  queries: async (study) => {
    const thread = await QueryThread.open(study)
    const { name, description } = await thread.engine()
    log.info({ engine: name, description }, 'engine chosen')
    onEngine({ name, description })
    return thread
  },
})
