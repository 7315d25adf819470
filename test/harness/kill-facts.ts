import { join } from 'node:path'
import { systemClock } from '@tributary/shared/system/clock'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { sharesIn } from '@tributary/shared/study/sum-shares'
import { Training, trainingSteps } from '../../coordinator/model/training.ts'
import { roundsPath, studiesPath } from '../../coordinator/coordinator.ts'
import type { RoundState } from '../../coordinator/rounds/round.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { StudyStore } from '../../coordinator/studies/study-store.ts'
import { Ledger } from '../../site-agent/ledger/ledger.ts'
import { EgressJournal } from '../../site-agent/link/egress-journal.ts'
import type { OpenedSum, Order } from './fault-coordinator.ts'
import { type FaultFederation, faultSites, type Lives } from './fault-federation.ts'
import type { Passage } from './fault-site.ts'
import { type Death, readLines } from './process-gate.ts'

/** What is left of a run after every process has ended: the stores, and what the test composition roots noted. */
export interface KillFacts {
  readonly sites: readonly string[]
  readonly least: number
  /** Steps of the plan. */
  readonly steps: number
  readonly outcome: string
  readonly rounds: readonly RoundState[]
  /** Sites whose signed contribution to a round the coordinator has stored. */
  readonly stored: ReadonlyMap<string, readonly string[]>
  readonly sums: readonly OpenedSum[]
  readonly orders: readonly Order[]
  readonly sent: readonly Passage[]
  readonly received: readonly Passage[]
  /** By site: hashes of messages in the egress journal. */
  readonly journals: ReadonlyMap<string, ReadonlySet<string>>
  /** By site: rounds charged, in order; and whether the chain verifies. */
  readonly charges: ReadonlyMap<string, readonly string[]>
  readonly brokenLedgers: readonly string[]
  readonly deaths: readonly Death[]
  /** Programs that ended by SIGKILL. */
  readonly killed: readonly Lives[]
  /** Hash of the model that the run has stored, and of every step's opened sum applied once, in order. */
  readonly model: string
  readonly replayed: string
}

const readLedger = (federation: FaultFederation, site: string) => {
  const ledger = Ledger.open(join(federation.directory(site), 'ledger.sqlite'), systemClock)
  const rounds = [...ledger.history()].flatMap(({ content }) => (content.kind === 'charge' ? [content.round] : []))
  const { broken } = ledger.verify()
  ledger.close()
  return { rounds, isBroken: broken !== null }
}

const readJournal = (federation: FaultFederation, site: string): ReadonlySet<string> => {
  const journal = EgressJournal.open(join(federation.directory(site), 'egress.sqlite'), systemClock)
  const messages = journal.latest(1_000_000).map(({ message }) => message)
  journal.close()
  return new Set(messages)
}

const replay = async (
  federation: FaultFederation,
  rounds: readonly RoundState[],
  sums: readonly OpenedSum[],
): Promise<string> => {
  let training = Training.initial(federation.manifest, federation.seed)
  for (const { round, step, contributors } of rounds.filter(({ phase }) => phase === 'opened')) {
    const bytes = Buffer.from(sums.find((each) => each.round === round)?.sum ?? '', 'base64')
    const values = new Float64Array(new Uint8Array(bytes).buffer)
    const sum = { values, ...sharesIn(federation.manifest, contributors) }
    training = await training.after(step, sum, federation.manifest)
    if (step + 1 === trainingSteps(federation.manifest)) training = await training.finish()
  }
  return hashBytes(training.encode())
}

export const readFacts = async (federation: FaultFederation, killed: readonly Lives[]): Promise<KillFacts> => {
  const { manifest, control } = federation
  const directory = federation.directory('coordinator')
  const [studies, store] = [StudyStore.open(studiesPath(directory)), RoundStore.open(roundsPath(directory))]
  const [study] = studies.studies()
  const run = study && store.run(study)
  if (study === undefined || run === undefined) throw new Error('there is no run')
  const rounds = store.rounds(study)
  const stored = new Map(
    rounds.map(({ round }) => [round, store.messages(round, 'contribution').map(({ site }) => site)]),
  )
  studies.close()
  store.close()
  const lines = <Line>(name: string) => readLines<Line>(join(control, name))
  const sums = lines<OpenedSum>('sums.jsonl')
  const ledgers = new Map(faultSites.map((site) => [site, readLedger(federation, site)]))
  return {
    sites: faultSites,
    least: manifest.federation.least_contributors,
    steps: manifest.plan.queries.reduce((sum, query) => sum + query.steps, 0),
    outcome: run.state.outcome,
    rounds,
    stored,
    sums,
    orders: lines('orders.jsonl'),
    sent: faultSites.flatMap((site) => lines<Passage>(`${site}.sent.jsonl`)),
    received: lines('received.jsonl'),
    journals: new Map(faultSites.map((site) => [site, readJournal(federation, site)])),
    charges: new Map([...ledgers].map(([site, { rounds: charged }]) => [site, charged])),
    brokenLedgers: [...ledgers].filter(([, { isBroken }]) => isBroken).map(([site]) => site),
    deaths: [...faultSites, 'coordinator'].flatMap((who) => lines<Death>(`${who}.trace.jsonl`)),
    killed,
    model: run.model,
    replayed: await replay(federation, rounds, sums),
  }
}
