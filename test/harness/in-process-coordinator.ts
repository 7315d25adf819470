import { setImmediate as nextTurn } from 'node:timers/promises'
import { wireStepOf } from '@tributary/shared/dp/fold'
import type { Ring } from '@tributary/shared/he/ring'
import type { SiteId, StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import pino, { type Logger } from 'pino'
import { openRoundSum } from '../../coordinator/aggregate/open-round.ts'
import type { Opening } from '../../coordinator/aggregate/opening.ts'
import { OpeningWork } from '../../coordinator/aggregate/opening-work.ts'
import { type Finishing, FinishingWork } from '../../coordinator/model/finishing.ts'
import { disputesPath, roundsPath, studiesPath } from '../../coordinator/coordinator.ts'
import { Disputes } from '../../coordinator/disputes/disputes.ts'
import { DisputeStore } from '../../coordinator/disputes/dispute-store.ts'
import { federationHandlers } from '../../coordinator/federation-handlers.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { RoundsDesk } from '../../coordinator/rounds/rounds-desk.ts'
import { StudyRuns } from '../../coordinator/studies/study-runs.ts'
import { StudyStore } from '../../coordinator/studies/study-store.ts'
import { CrashGate } from './crash-gate.ts'

/** A sum as it was opened: how often each site's own place was counted. */
export interface OpenedCounts {
  readonly step: number
  readonly attempt: number
  readonly contributors: readonly SiteId[]
  readonly counts: readonly number[]
  /** True when a place that belongs to no site is not 0. */
  readonly others: boolean
  readonly sum: Float64Array
  readonly shares: number
  readonly part: number
  /** Holders whose answers disagree with the others'. */
  readonly suspects: readonly SiteId[]
}

interface CoordinatorParts {
  readonly dataDir: string
  readonly ring: Ring
  readonly identity: IdentityKey
  readonly clock: Clock
}

/** The coordinator without its sockets and its loop: killed and started again over the same folder. */
export class InProcessCoordinator {
  readonly opened: OpenedCounts[] = []
  /** Warnings and errors, as they would be in the log. */
  readonly logged: Readonly<Record<string, unknown>>[] = []
  gate = new CrashGate()
  /** Whom the registry, which is not here, would call revoked. */
  readonly revoked = new Set<SiteId>()
  handlers: FederationHandlers
  opening: Opening
  finishing: Finishing = new FinishingWork()
  readonly log: Logger
  studies: StudyStore
  rounds: RoundStore
  disputes: DisputeStore
  runs: StudyRuns
  readonly #parts: CoordinatorParts

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
    this.opening = new OpeningWork(parts.ring)
    this.log = pino({ level: 'warn' }, { write: (line: string) => this.logged.push(JSON.parse(line)) })
    const started = this.#start()
    this.studies = started.studies
    this.rounds = started.rounds
    this.disputes = started.disputes
    this.runs = started.runs
    this.handlers = started.handlers
  }

  /** Starts again from the stores alone. May die again while it resumes. */
  async restart(): Promise<void> {
    this.gate.kill()
    await this.quiet()
    this.close()
    this.gate = new CrashGate()
    Object.assign(this, this.#start())
  }

  /** As the loop of coordinator.ts does every quarter second. */
  async tick(): Promise<void> {
    await this.runs.refresh()
    await this.runs.tick()
    await this.quiet()
  }

  /** Resolves when no opening is in progress. */
  async quiet(): Promise<void> {
    const before = this.opened.length
    await this.runs.finish().catch(() => undefined)
    if (this.opened.length > before) await this.quiet()
  }

  run(study: StudyId) {
    const stored = this.rounds.run(study)
    if (stored === undefined) throw new Error('the study has no run yet')
    return stored
  }

  close(): void {
    this.studies.close()
    this.rounds.close()
    this.disputes.close()
  }

  #start() {
    const { dataDir, ring, identity, clock } = this.#parts
    const { gate } = this
    const studies = StudyStore.open(studiesPath(dataDir))
    const store = RoundStore.open(roundsPath(dataDir))
    const rounds = gate.around('rounds', store, ['transaction'])
    const { log } = this
    const evidence = DisputeStore.open(disputesPath(dataDir))
    const kept = gate.around('disputes', evidence, ['transaction', 'save'])
    const disputes = new Disputes({ store: kept, studies, ring, clock, log })
    const runs: StudyRuns = new StudyRuns({
      dataDir,
      studies,
      rounds,
      ring,
      opening: { open: (order) => this.opening.open(order), close: () => this.opening.close() },
      finishing: gate.around(
        'finishing',
        { finish: (order) => this.finishing.finish(order), close: () => this.finishing.close() },
        ['finish'],
      ),
      disputes,
      clock,
      log,
      isStanding: (site) => !this.revoked.has(site),
      openRound: async (parts, published, state) => {
        // An opening goes on beside the call that began it; whoever kills it later must find it awaited.
        await nextTurn()
        void runs.finish().catch(() => undefined)
        gate.cross('before opening')
        const opened = await openRoundSum(parts, published, state)
        const grid = published.manifest.plan.queries[state.query]?.grid
        const step = grid === undefined ? 1 : wireStepOf({ step: grid.step, foldBits: grid.fold_bits })
        const sites = published.manifest.sites.length
        this.opened.push({
          step: state.step,
          attempt: state.attempt,
          contributors: state.contributors,
          counts: Array.from(opened.sum.values.subarray(0, sites), (value) => value / step),
          others: opened.sum.values.subarray(sites).some((value) => value !== 0),
          sum: opened.sum.values,
          shares: opened.sum.shares,
          part: opened.sum.part,
          suspects: opened.suspects,
        })
        gate.cross('after opening')
        return opened
      },
    })
    const desk = new RoundsDesk({ runs, studies, store: rounds, disputes, ring, identity, clock, log })
    const handlers = federationHandlers({
      studies,
      runs,
      rounds: desk,
      enrol: () => Promise.reject(new Error('nobody enrols here')),
      renew: () => Promise.reject(new Error('there are no certificates here')),
      presence: { heard: () => undefined, greeted: () => undefined },
      clock,
    })
    return { studies, rounds: store, disputes: evidence, runs, handlers }
  }
}
