import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { wireStepOf } from '@tributary/shared/dp/fold'
import type { RoundId } from '@tributary/shared/ids'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import { systemClock } from '@tributary/shared/system/clock'
import { messageBytes } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { UploadState } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import pino from 'pino'
import { ContributionStore } from '../../coordinator/aggregate/contribution-store.ts'
import { openRoundSum } from '../../coordinator/aggregate/open-round.ts'
import { runCoordinator } from '../../coordinator/coordinator.ts'
import type { RoundState } from '../../coordinator/rounds/round.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { RoundsDesk } from '../../coordinator/rounds/rounds-desk.ts'
import type { RunState } from '../../coordinator/rounds/run.ts'
import { type Statement, StudyStore } from '../../coordinator/studies/study-store.ts'
import { appendLine, ProcessGate } from './process-gate.ts'

/*
 * A coordinator for fault tests, as a process of its own: the product's, with a gate around what it writes and sends.
 *
 *   node --conditions=source test/harness/fault-coordinator.ts DATA_DIR CONTROL_DIR LISTEN
 *
 * It dies by SIGKILL where CONTROL_DIR/plan.jsonl says (failpoints.ts). It notes in CONTROL_DIR what sites brought
 * (received.jsonl), what it told them (orders.jsonl) and every opened sum before it is applied (sums.jsonl), in grid steps, so that a
 * test can count who was counted.
 */
const [dataDir = '', control = '', listen = ''] = process.argv.slice(2)

/** A broadcast or an announcement, as it went to a site. */
export interface Order {
  readonly kind: string
  readonly round: string
  readonly message: string
}

export interface OpenedSum {
  readonly round: RoundId
  readonly step: number
  /** How often each site's own place was counted; `others`: a place that belongs to no site is not 0. */
  readonly counts: readonly number[]
  readonly others: boolean
  /** The whole sum, float64, base64. */
  readonly sum: string
}

const gate = new ProcessGate('coordinator', join(control, 'plan.jsonl'), join(control, 'coordinator.trace.jsonl'))
gate.step = 0
let isSumOpen = false

const sendMs = 20
/** What leaves in the moment after this returns. */
const leaving = async (what: string): Promise<void> => {
  gate.cross(`before ${what}`)
  void after(sendMs).then(() => gate.cross(`after ${what}`))
}

const bracket = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  gate.cross(`before ${what}`)
  const result = await work()
  gate.cross(`after ${what}`)
  return result
}

/** Everything that `object` does, with some of its methods replaced. */
const replacing = <T extends object>(object: T, methods: Partial<T>): T =>
  new Proxy(object, {
    get: (target, property) => {
      const replaced: unknown = Reflect.get(methods, property)
      if (replaced !== undefined) return replaced
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

const openRounds = RoundStore.open.bind(RoundStore)
RoundStore.open = (path) => {
  const store = openRounds(path)
  const known = new Map<string, RoundState>()
  /** What the transaction under way has written. */
  let said: string[] | null = null
  let latestRun: RunState | undefined
  const say = (what: string, write: () => void): void => {
    if (said === null) gate.cross(`before ${what}`)
    write()
    if (said !== null) return void said.push(what)
    gate.cross(`after ${what}`)
    gate.step = latestRun?.step ?? 0
  }
  const changeOfRun = (run: RunState): string => {
    if (latestRun === undefined) return 'run waiting'
    if (run.step > latestRun.step) return 'step advanced'
    if (run.attempt > latestRun.attempt) return 'attempt advanced'
    return latestRun.outcome === 'waiting' && run.outcome === 'running' ? 'run started' : 'model adopted'
  }
  const change = (before: RoundState | undefined, now: RoundState): string[] => {
    if (before === undefined) return ['round begun']
    const entered: Partial<Record<RoundState['phase'], string>> = {
      checking: 'checks due',
      sifting: 'sifting due',
      contributing: 'broadcast due',
      announcing: 'contributors fixed',
      answering: 'contributors announced',
      opening: 'answers complete',
    }
    const phase = before.phase === now.phase ? undefined : entered[now.phase]
    return [
      ...(before.phase === 'sifting' && now.phase !== 'sifting' ? ['deals sifted'] : []),
      ...(before.model === null && now.model !== null ? ['weights named'] : []),
      ...(before.withdrawn.length < now.withdrawn.length ? ['withdrawal stored'] : []),
      ...(before.phase === now.phase && before.deadline < now.deadline ? ['resumed'] : []),
      ...(phase === undefined ? [] : [phase]),
    ]
  }
  return replacing(store, {
    transaction: (work) => {
      const writes: string[] = []
      said = writes
      try {
        const result = store.transaction(() => {
          const done = work()
          for (const what of writes) gate.cross(`before ${what}`)
          return done
        })
        for (const what of writes) gate.cross(`after ${what}`)
        // Only now: a kill for the step that ends here is still due.
        gate.step = latestRun?.step ?? 0
        return result
      } finally {
        said = null
      }
    },
    run: (study) => {
      const run = store.run(study)
      latestRun = run?.state
      gate.step = latestRun?.step ?? 0
      return run
    },
    round: (study, step, attempt) => {
      const round = store.round(study, step, attempt)
      if (round !== undefined) known.set(round.round, round)
      return round
    },
    keepParts: (round, site, hashes) => say('offer stored', () => store.keepParts(round, site, hashes)),
    keep: (round, kind, site, message) => say(`${kind} stored`, () => store.keep(round, kind, site, message)),
    saveRound: (study, state) => {
      const [first, ...rest] = change(known.get(state.round), state)
      known.set(state.round, state)
      if (first === undefined) return store.saveRound(study, state)
      say(first, () => store.saveRound(study, state))
      said?.push(...rest)
    },
    saveRun: (run, model, times) => {
      const what = changeOfRun(run)
      latestRun = run
      say(what, () => store.saveRun(run, model, times))
    },
  })
}

const openFolder = BlobFolder.open.bind(BlobFolder)
BlobFolder.open = async (folder) => {
  const blobs = await openFolder(folder)
  return replacing(blobs, {
    put: (bytes) => {
      const what = isSumOpen ? 'model written' : 'weights written'
      isSumOpen = false
      return bracket(what, () => blobs.put(bytes))
    },
    keepOnly: (keep) => bracket('old files removed', () => blobs.keepOnly(keep)),
  })
}

const openContributions = ContributionStore.open.bind(ContributionStore)
ContributionStore.open = async (folder, ring) => {
  const contributions = await openContributions(folder, ring)
  return replacing(contributions, {
    put: (round, site, part, data) => bracket('part written', () => contributions.put(round, site, part, data)),
  })
}

const openStudies = StudyStore.open.bind(StudyStore)
StudyStore.open = (path) => {
  const store = openStudies(path)
  return replacing(store, {
    state: (about, kind: Statement, site, message) => {
      gate.cross(`before ${kind} stored`)
      store.state(about, kind, site, message)
      gate.cross(`after ${kind} stored`)
    },
    keepBoxKeys: (study, epoch, site, message) => {
      gate.cross('before box-keys stored')
      store.keepBoxKeys(study, epoch, site, message)
      gate.cross('after box-keys stored')
    },
  })
}

const received = (site: string, message: SignedMessage): void => {
  const { round } = decodeCanonical(message.body) as { round: string }
  const passage = { site, kind: message.kind, round, message: hashBytes(messageBytes(message)), payload: null }
  appendLine(join(control, 'received.jsonl'), passage)
}

const desk = RoundsDesk.prototype
const { next, deal, check, offer, parts, answer, withdraw, boxes, model } = desk
desk.next = async function (site, request, signal) {
  const task = await next.call(this, site, request, signal)
  if (task.kind === 'deal' || task.kind === 'check') await leaving(`${task.kind} task sent`)
  else if (task.kind === 'contribute' || task.kind === 'answer') {
    const order = task.kind === 'contribute' ? task.broadcast : task.announcement
    const { round } = decodeCanonical(order.body) as { round: string }
    appendLine(join(control, 'orders.jsonl'), { kind: order.kind, round, message: hashBytes(messageBytes(order)) })
    await leaving(`${order.kind} sent`)
  }
  return task
}
desk.deal = async function (site, message, dealt) {
  received(site, message)
  await deal.call(this, site, message, dealt)
  await leaving('deal acknowledged')
}
desk.check = async function (site, message) {
  received(site, message)
  await check.call(this, site, message)
  await leaving('check acknowledged')
}
const answered = async (state: UploadState): Promise<UploadState> => {
  await leaving(state.complete ? 'contribution acknowledged' : 'offer acknowledged')
  return state
}
desk.offer = async function (site, message, hashes) {
  received(site, message)
  return await answered(await offer.call(this, site, message, hashes))
}
desk.parts = async function (site, round, sent) {
  return await answered(await parts.call(this, site, round, sent))
}
desk.answer = async function (site, message) {
  received(site, message)
  await answer.call(this, site, message)
  await leaving('answer acknowledged')
}
desk.withdraw = async function (site, message) {
  received(site, message)
  await withdraw.call(this, site, message)
  await leaving('withdrawal acknowledged')
}
desk.boxes = async function (site, round) {
  const dealt = await boxes.call(this, site, round)
  await leaving('boxes sent')
  return dealt
}
desk.model = async function* (site, round) {
  gate.cross('before weights sent')
  yield* model.call(this, site, round)
  gate.cross('after weights sent')
}

const openRound: typeof openRoundSum = async (parts, published, state) => {
  gate.cross('before sum opened')
  const opened = await openRoundSum(parts, published, state)
  const grid = published.manifest.plan.queries[state.query]?.grid
  const step = grid === undefined ? 1 : wireStepOf({ step: grid.step, foldBits: grid.fold_bits })
  const sites = published.manifest.sites.length
  const { values } = opened.sum
  const line: OpenedSum = {
    round: state.round,
    step: state.step,
    counts: Array.from(values.subarray(0, sites), (value) => Math.round(value / step)),
    others: values.subarray(sites).some((value) => value !== 0),
    sum: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
  }
  appendLine(join(control, 'sums.jsonl'), line)
  gate.cross('after sum opened')
  isSumOpen = true
  return opened
}

const log = pino({ level: 'debug' }, pino.destination(2))
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await runCoordinator(
  dataDir,
  { clock: systemClock, log, listen, openRound },
  (address) => process.stdout.write(`${JSON.stringify({ event: 'listening', address })}\n`),
  stop.signal,
)
