import { join } from 'node:path'
import { asCodedError } from '@tributary/shared/errors'
import { createRing } from '@tributary/shared/he/ring'
import type { SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { Logger } from 'pino'
import type { openRoundSum } from './aggregate/open-round.ts'
import { enrolWith } from './enrolment/enrol.ts'
import { openFederation } from './enrolment/federation-directory.ts'
import { openSiteRegistry } from './enrolment/site-registry.ts'
import { federationHandlers } from './federation-handlers.ts'
import { startServer } from './link/server.ts'
import { RoundStore } from './rounds/round-store.ts'
import { RoundsDesk } from './rounds/rounds-desk.ts'
import { StudyRuns } from './studies/study-runs.ts'
import { StudyStore } from './studies/study-store.ts'

export const studiesPath = (dataDir: string): string => join(dataDir, 'studies.sqlite')
export const roundsPath = (dataDir: string): string => join(dataDir, 'rounds.sqlite')

/** How often deadlines, new studies and new approvals are looked at. */
const tickMs = 250

export interface CoordinatorPorts {
  readonly clock: Clock
  readonly log: Logger
  /** Instead of the address of `coordinator init`. */
  readonly listen?: string
  /** Bound by the composition root. */
  readonly openRound: typeof openRoundSum
}

/**
 * The coordinator as one process: opens the stores, takes up every running study where it stood, and serves sites until
 * `signal` aborts. `listening` is called with the address once sites may dial. Throws `STORE_LOCKED`, `CONFIG_INVALID`.
 */
export const runCoordinator = async (
  dataDir: string,
  ports: CoordinatorPorts,
  listening: (address: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const { clock, log } = ports
  const federation = await openFederation(dataDir, clock)
  const registry = openSiteRegistry(federation.registryPath)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  const ring = await createRing()
  const runs = new StudyRuns({ dataDir, studies, rounds, ring, clock, log, openRound: ports.openRound })
  await runs.refresh()
  const desk = new RoundsDesk({ runs, studies, store: rounds, ring, identity: federation.identity, clock })
  const heardFrom = new Set<SiteId>()
  const handlers = federationHandlers({
    studies,
    runs,
    rounds: desk,
    enrol: enrolWith({
      federation: federation.federation,
      coordinatorIdentity: federation.identity.publicKey,
      authority: federation.authority,
      registry,
      clock,
    }),
    heard: (site) => {
      if (!heardFrom.has(site)) log.info({ site }, 'site heard from')
      heardFrom.add(site)
    },
  })
  const server = await startServer({
    address: ports.listen ?? federation.listen,
    certificate: federation.server.certificate,
    key: federation.server.key,
    clientCa: federation.authority.certificate,
    handlers,
    log,
    clock,
    isRevoked: registry.isRevoked,
    isEnrolled: registry.isEnrolled,
  })
  listening(server.address)
  try {
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal)
      try {
        await runs.refresh()
        await runs.tick()
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        log.error({ code, why: message }, 'a look at the studies failed')
      }
    }
  } finally {
    await runs.finish()
    await server.stop()
    for (const part of [studies, rounds, registry]) part.close()
  }
}
