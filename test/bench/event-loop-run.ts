import { randomFillSync } from 'node:crypto'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { newBoxKeys } from '@tributary/shared/he/box'
import { packFrame } from '@tributary/shared/he/frame'
import { blocksPerPart } from '@tributary/shared/he/parts'
import { createRing } from '@tributary/shared/he/create-ring'
import type { Ring } from '@tributary/shared/he/ring'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { SealedSum } from '@tributary/shared/he/sealed-sum'
import { sealVector } from '@tributary/shared/he/sealed-vector'
import { dealShares, sumShares } from '@tributary/shared/he/shamir'
import { newSiteKey } from '@tributary/shared/he/site-key'
import { type Digest, roundId, type SiteId } from '@tributary/shared/ids'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Opening } from '../../coordinator/aggregate/opening.ts'
import { OpeningThread } from '../../coordinator/aggregate/opening-thread.ts'
import { OpeningWork } from '../../coordinator/aggregate/opening-work.ts'
import type { Sealing, SealOrder } from '../../site-agent/update/sealing.ts'
import { SealingThread } from '../../site-agent/update/sealing-thread.ts'
import { SealingWork } from '../../site-agent/update/sealing-work.ts'
import type { Call } from './event-loop-calls.ts'
import { type ArrivingParts, EventLoopServer } from './event-loop-server.ts'
import { type Delays, loopDelayDuring, percentile } from './loop-delay.ts'
import { median } from './phase-times.ts'
import { secureSumStudy } from './secure-sum-study.ts'

const sites = 10

export interface LoopCase {
  readonly name: string
  /** How long one piece of work took, median; 0 where there was none. */
  readonly milliseconds: number
  readonly delay: Delays
  /** Calls under way during the work, each until its reply was read by the process that made it. */
  readonly calls: Omit<Delays, 'samples'> & { readonly count: number }
}

interface Span {
  readonly start: number
  readonly end: number
}

const now = () => performance.timeOrigin + performance.now()

/** `work` on each of what was prepared, while this thread serves calls. */
const watched = async <T>(
  name: string,
  prepared: readonly T[],
  work: (each: T) => Promise<unknown>,
  parts?: ArrivingParts,
): Promise<LoopCase> => {
  const server = await EventLoopServer.start(parts)
  const spans: Span[] = []
  let delay: Delays
  try {
    delay = await loopDelayDuring(async () => {
      for (const each of prepared) {
        const start = now()
        await work(each)
        spans.push({ start, end: now() })
        await setImmediate() // work on this thread would go on without a turn of the loop
      }
    })
  } catch (thrown) {
    await server.stop()
    throw thrown
  }
  const isDuring = ({ start, end }: Call) => spans.some((span) => start < span.end && end > span.start)
  const times = (await server.stop()).filter(isDuring).map(({ start, end }) => end - start)
  return {
    name,
    milliseconds: median(spans.map(({ start, end }) => end - start)),
    delay,
    calls: {
      count: times.length,
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      max: percentile(times, 1),
    },
  }
}

/** Everything that the cases need of a study of this size. */
const studyOf = (parameters: number) => {
  const { published } = secureSumStudy(sites, 2, parameters)
  const { manifest, rosterHash: roster, study, manifestHash: plan } = published
  const query = queriesOf(manifest.plan)[1] as ReturnType<typeof queriesOf>[number]
  const layout = slotLayoutOf(query, sites)
  const holders = manifest.sites.map(({ name }, i) => ({ site: name as SiteId, index: i + 1 }))
  const model: Digest = hashBytes(new Uint8Array(0))
  const contextOf = (round: ReturnType<typeof roundId>) => ({ round, roster, plan, model })
  const values = (): Float64Array =>
    Float64Array.from(
      randomFillSync(new Uint32Array(parameters)),
      (word) => (word % (2 * layout.bound + 1)) - layout.bound,
    )
  return { study, roster, layout, holders, contextOf, values, threshold: manifest.plan.threshold }
}
type Study = ReturnType<typeof studyOf>

let rounds = 0
const newRound = () => roundId(hashBytes(new TextEncoder().encode(`event loop ${rounds++}`)))

/** A site: its keys are dealt before, then vectors are sealed and, as the product does, every part hashed on this thread. */
const sealingCase = async (name: string, sealing: Sealing, repeats: number, of: Study): Promise<LoopCase> => {
  const keys = of.holders.map((holder) => ({ ...holder, key: newBoxKeys().publicKey }))
  const { study, roster, threshold, layout } = of
  const prepared: SealOrder[] = []
  while (prepared.length < repeats) {
    const round = newRound()
    const context = { study, round, roster, from: of.holders[0]!.site }
    await sealing.deal({ round, threshold, context, holders: keys })
    prepared.push({ round, context: of.contextOf(round), layout, values: of.values() })
  }
  return watched(name, prepared, async (order) => (await sealing.seal(order)).map(hashBytes))
}

/** A sum to open: what opening costs does not depend on how many vectors were added. */
const sealedSum = (ring: Ring, { layout, holders, threshold, contextOf, values }: Study) => {
  const random = osRandomStreams()('key')
  const key = newSiteKey(ring, random)
  const places = holders.map(({ index }) => index)
  const shares = dealShares(ring, key, threshold, places, random)
  const context = contextOf(newRound())
  const sum = SealedSum.create(ring, layout)
  for (const [part, frame] of sealVector(ring, key, context, layout, values()).entries()) sum.add(part, frame)
  const answers = places.map((holder, i) => ({ holder, share: sumShares(ring, [shares[i]!]) }))
  return { sum, contributors: 1, context, answers }
}

/** The coordinator: while one sum is opened, parts of the next attempt arrive, are hashed and added on this thread. */
const openingCase = (
  name: string,
  opening: Opening,
  repeats: number,
  { layout, threshold }: Study,
  sealed: ReturnType<typeof sealedSum>,
): Promise<LoopCase> => {
  const part = packFrame(ringFacts, new BigUint64Array(blocksPerPart * ringFacts.degree))
  const next = SealedSum.create(ringFacts, { ...layout, dimension: 12_288 * blocksPerPart })
  const onPart = (data: Uint8Array) => {
    hashBytes(data)
    next.add(0, part)
  }
  const prepared = Array.from({ length: repeats }, () => {
    return { ...sealed, layout, threshold, sum: sealed.sum.residues().slice() }
  })
  return watched(name, prepared, (order) => opening.open(order), { bytes: part.length, onPart })
}

export interface LoopReport {
  readonly parameters: number
  readonly sites: number
  readonly repeats: number
  readonly cases: readonly LoopCase[]
}

/** The four cases and a loop with nothing but calls, one after another, in this process. */
export const runEventLoop = async (
  parameters: number,
  repeats: number,
  say: (text: string) => void,
): Promise<LoopReport> => {
  const study = studyOf(parameters)
  const cases: LoopCase[] = []
  const add = async (running: Promise<LoopCase>) => void cases.push(await running)
  const [sealing, opening] = [await SealingThread.open(), await OpeningThread.open()]
  const ring = await createRing()
  try {
    say('nothing but calls')
    await add(watched('calls alone', Array<number>(repeats).fill(100), (ms) => setTimeout(ms)))
    say('seals in the thread')
    await add(sealingCase('site seals in its thread', sealing, repeats, study))
    say('seals on the main thread')
    await add(sealingCase('site seals on the main thread', new SealingWork(ring, osRandomStreams), repeats, study))
    const sealed = sealedSum(ring, study)
    say('opens in the thread')
    await add(openingCase('coordinator opens in its thread', opening, repeats, study, sealed))
    say('opens on the main thread')
    await add(openingCase('coordinator opens on the main thread', new OpeningWork(ring), repeats, study, sealed))
  } finally {
    await Promise.all([sealing.close(), opening.close()])
    ring.dispose()
  }
  return { parameters, sites, repeats, cases }
}
