import { asCodedError } from '@tributary/shared/errors'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import type { Clock } from '@tributary/shared/ports'
import { lockDirectory } from '@tributary/shared/store/directory-lock'
import type { Logger } from 'pino'
import type { openRoundSum } from './aggregate/open-round.ts'
import type { Opening } from './aggregate/opening.ts'
import { OpeningThread } from './aggregate/opening-thread.ts'
import type { Finishing } from './model/finishing.ts'
import { FinishingThread } from './model/finishing-thread.ts'
import { type ApiServer, type ApiSettings, startApi } from './api/api-server.ts'
import { disputesPath, roundsPath, studiesPath } from './data-paths.ts'
import { Disputes } from './disputes/disputes.ts'
import { DisputeStore } from './disputes/dispute-store.ts'
import { enrolWith } from './enrolment/enrol.ts'
import { type Federation, openFederation } from './enrolment/federation-directory.ts'
import { renewWith } from './enrolment/renew.ts'
import { ServerCertificate } from './enrolment/server-certificate.ts'
import { SitePresence } from './enrolment/site-presence.ts'
import { openSiteRegistry } from './enrolment/site-registry.ts'
import { federationHandlers } from './federation-handlers.ts'
import { startServer } from './link/server.ts'
import { RoundStore } from './rounds/round-store.ts'
import { RoundsDesk } from './rounds/rounds-desk.ts'
import { StudyRuns } from './studies/study-runs.ts'
import { StudyStore } from './studies/study-store.ts'

export { disputesPath, roundsPath, studiesPath }

/** How often deadlines, new studies and new approvals are looked at. */
const tickMs = 250

export interface CoordinatorPorts {
  readonly clock: Clock
  readonly log: Logger
  /** Instead of the address of `coordinator init`. */
  readonly listen?: string
  /** Where researchers are served; nowhere unless given. */
  readonly http?: ApiSettings
  /** Bound by the composition root. */
  readonly openRound: typeof openRoundSum
}

/**
 * The coordinator as one process: opens the stores, takes up every running study where it stood, and serves sites until
 * `signal` aborts. `listening` is called with the address once sites may dial, and with the API's URL. Throws `STORE_LOCKED` where another one runs on
 * this data directory, `CONFIG_INVALID`.
 */
export const runCoordinator = async (
  dataDir: string,
  ports: CoordinatorPorts,
  listening: (address: string, http?: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const federation = await openFederation(dataDir, ports.clock)
  const lock = lockDirectory(dataDir, 'coordinator', ports.clock)
  try {
    const opening = await OpeningThread.open()
    const finishing = new FinishingThread()
    try {
      await serve(dataDir, federation, ports, { opening, finishing }, listening, signal)
    } finally {
      await Promise.all([opening.close(), finishing.close()])
    }
  } finally {
    lock.release()
  }
}

const serve = async (
  dataDir: string,
  federation: Federation,
  ports: CoordinatorPorts,
  threads: { readonly opening: Opening; readonly finishing: Finishing },
  listening: (address: string, http?: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const { clock, log } = ports
  const registry = openSiteRegistry(federation.registryPath)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  const evidence = DisputeStore.open(disputesPath(dataDir))
  const ring = ringFacts
  const disputes = new Disputes({ store: evidence, studies, ring, clock, log })
  const { openRound } = ports
  const { isStanding } = registry
  const runs = new StudyRuns({
    dataDir,
    studies,
    rounds,
    disputes,
    ring,
    ...threads,
    clock,
    log,
    openRound,
    isStanding,
  })
  await runs.refresh()
  const desk = new RoundsDesk({
    runs,
    studies,
    store: rounds,
    disputes,
    ring,
    identity: federation.identity,
    clock,
    log,
  })
  const certificate = new ServerCertificate(federation, clock)
  if (await certificate.renewIfDue()) log.info({ expires: certificate.expires }, 'server certificate renewed')
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
    renew: renewWith({ authority: federation.authority, registry, clock }),
    presence: new SitePresence({ registry, clock, log }),
    clock,
  })
  const server = await startServer({
    address: ports.listen ?? federation.listen,
    ...certificate.present,
    clientCa: federation.authority.certificate,
    handlers,
    log,
    clock,
    isRevoked: registry.isRevoked,
    isEnrolled: registry.isEnrolled,
    heard: registry.heard,
  })
  let api: ApiServer | undefined
  try {
    if (ports.http !== undefined) {
      const { federation: name, identity } = federation
      const parts = { dataDir, federation: name, signingKey: identity.publicKey, studies, rounds, clock, log }
      api = await startApi(ports.http, parts)
    }
    listening(server.address, api?.url)
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal)
      try {
        await runs.refresh()
        await runs.tick()
        if (await certificate.renewIfDue()) {
          server.present(certificate.present.certificate, certificate.present.key)
          log.info({ expires: certificate.expires }, 'server certificate renewed')
        }
      } catch (thrown) {
        const { code, message } = asCodedError(thrown)
        log.error({ code, why: message }, 'a look at the studies failed')
      }
    }
  } finally {
    await api?.stop()
    // A fit may take minutes, and begins again from the stored sums.
    await threads.finishing.close()
    await runs.finish()
    await server.stop()
    for (const part of [studies, rounds, evidence, registry]) part.close()
  }
}
