import { createHash } from 'node:crypto'
import type { RoundPhase } from '../../coordinator/rounds/round.ts'
import { step } from '../../coordinator/rounds/round.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { interpolateKey, sumShares } from '../../shared/he/shamir.ts'
import { threshold } from '../../shared/he/thresholds.ts'
import { digest, siteId, type SiteId, studyId } from '../../shared/ids.ts'
import { hashBytes } from '../../shared/wire/canonical.ts'
import { roundIdOf } from '../../shared/wire/round-id.ts'
import { PairwiseMasks } from '../harness/pairwise-masks.ts'
import { widestLayout } from '../harness/sealed-round.ts'
import { LightCoordinator } from './light-coordinator.ts'
import { keyGone, LightSite, type LightStudy } from './light-site.ts'
import type { Fate, LossCase } from './loss-case.ts'

/** What became of one case, for the counts that show what the cases were. */
export interface LossOutcome {
  readonly opened: boolean
  readonly attempts: number
  /** Of an opened sum: who is not in it. */
  readonly without: number
  /** The phase in which each aborted attempt ended. */
  readonly abortedIn: readonly RoundPhase[]
  readonly disputed: number
  readonly withdrew: number
  readonly kills: number
  readonly effects: readonly string[]
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const model = digest(hash('model'))
const study = studyId(hash('study'))

/** Whole numbers over the whole range of a slot, others for every site and attempt: a retry draws its noise anew (R5). */
const vectorOf = (seed: number, { dimension, bound }: { dimension: number; bound: number }) => {
  let state = (seed % (2 ** 31 - 2)) + 1
  return Float64Array.from({ length: dimension }, () => {
    state = (state * 48271) % (2 ** 31 - 1) // Park and Miller
    return Math.floor((state / (2 ** 31 - 1)) * (2 * bound + 1)) - bound
  })
}

const breach = (what: string): never => {
  throw new Error(`broken: ${what}`)
}

/** The study of a case: the first `holders` sites hold shares, the threshold is that of R7. */
const studyOf = ({ sites: n, holders: m, colluders, least, dimension }: LossCase): LightStudy => {
  const sites = Array.from({ length: n }, (_, i) => siteId(`site-${String(i).padStart(2, '0')}`))
  return {
    study,
    roster: digest(hash('roster')),
    plan: digest(hash('plan')),
    sites,
    holders: sites.slice(0, m),
    threshold: threshold(m, colluders),
    least,
    layout: widestLayout(dimension, n, 2),
  }
}

/** Plays a case to its end and throws at the first broken rule. */
export const playLosses = async (ring: Ring, lossCase: LossCase): Promise<LossOutcome> => {
  const { attempts, order, isModelLate } = lossCase
  const facts = studyOf(lossCase)
  const roundOf = (attempt: number) => roundIdOf(study, 0, attempt)
  const sites = facts.sites.map((name) => new LightSite(ring, facts, name))
  const keys = new Map(
    sites.filter(({ name }) => facts.holders.includes(name)).map((s) => [s.name, s.boxKeys.publicKey]),
  )
  const coordinator = new LightCoordinator(ring, facts, lossCase.kills, roundOf(0))
  const abortedIn: RoundPhase[] = []
  const everyKey = new Set<string>()
  let [keysSeen, disputed, withdrew] = [0, 0, 0]

  const inOrder = facts.sites.map((name, place) => ({ name, place, key: order[place]! })).sort((a, b) => a.key - b.key)

  /** Everybody's part of one phase, as its fate has it; who is late comes when the deadline has passed, in vain or not. */
  const phase = async (
    name: RoundPhase,
    fateOf: (place: number) => Fate,
    act: (site: LightSite, place: number) => Promise<void>,
  ) => {
    if (coordinator.state.phase !== name) return
    const acted = async (place: number) => {
      const site = sites[place]!
      coordinator.heard(site.name)
      try {
        await act(site, place)
      } catch (thrown) {
        if (!(thrown instanceof Error) || thrown.message !== keyGone) throw thrown
        await coordinator.deliver({ type: 'withdrew', site: site.name })
      }
    }
    const late: number[] = []
    for (const { place } of inOrder) {
      const fate = fateOf(place)
      if (fate === 'restarted') await sites[place]!.restart()
      if (fate === 'late') late.push(place)
      else if (fate !== 'away') await acted(place)
      if (fate === 'twice') await acted(place)
      if (fate === 'lost') await sites[place]!.restart()
    }
    if (coordinator.state.phase === name) await coordinator.passDeadline()
    for (const place of late) await acted(place)
    // Dealing alone waits past its deadline; whoever was away is back some day.
    for (const { place } of inOrder)
      if (coordinator.state.phase === name && fateOf(place) === 'away') await acted(place)
    if (coordinator.state.phase === name) await coordinator.passDeadline()
    if (coordinator.state.phase === name) breach(`still ${name} when everybody was heard of`)
  }

  for (const [attempt, fates] of attempts.entries()) {
    const round = coordinator.state.round
    if (round !== roundOf(attempt)) breach('R2: a retry has an id of its own')
    const vectors = facts.sites.map((_, place) => vectorOf(attempt * 1009 + place * 31 + order[place]!, facts.layout))
    const context = coordinator.contextOf(model)
    if (!isModelLate) await coordinator.deliver({ type: 'model', model })
    await phase(
      'dealing',
      (place) => fates[place]!.deal.fate,
      async (site, place) => {
        if (fates[place]!.deal.fate === 'restarted') {
          // It died between storing its deal and sending it.
          await site.deal(round, keys)
          await site.restart()
        }
        const deal = await site.deal(round, keys)
        const { damaged } = fates[place]!.deal
        const boxes = deal.boxes.map((box, at) => (at === damaged ? flipped(box) : box))
        await coordinator.keepDeal({ ...deal, boxes })
      },
    )
    await phase(
      'checking',
      (place) => (place < facts.holders.length ? fates[place]!.check : 'away'),
      async (site) => {
        if (facts.holders.includes(site.name))
          await coordinator.keepChecks(site.name, site.check(round, coordinator.deals))
      },
    )
    if (coordinator.state.model === null) await coordinator.deliver({ type: 'model', model })
    if (coordinator.state.broadcast && coordinator.state.contributors.length > 0)
      breach('R6: contributions before the broadcast')
    await phase(
      'contributing',
      (place) => fates[place]!.contribute.fate,
      async (site, place) => {
        if (!coordinator.state.dealers.includes(site.name)) return
        const contribution = await site.contribute(context, vectors[place]!)
        const whole = contribution.parts.map((_, part) => part)
        const { parts } = fates[place]!.contribute
        const sent = parts === null ? whole.toReversed() : whole.slice(0, parts)
        if (await coordinator.keepParts(contribution, sent)) site.acknowledge(round)
      },
    )
    await phase(
      'answering',
      (place) => (place < facts.holders.length ? fates[place]!.answer : 'away'),
      async (site) => {
        if (!facts.holders.includes(site.name)) return
        const { contributions, deals } = coordinator
        try {
          await coordinator.keepAnswer(site.name, site.answer(round, contributions, deals))
        } catch (thrown) {
          // Its box was damaged and it did not check in time, so the deal was used without it.
          if (!(thrown instanceof Error) || !thrown.message.includes('holds no share of')) throw thrown
        }
      },
    )
    const { state } = coordinator
    if (!coordinator.isClosed) breach(`attempt ${attempt} ended in ${state.phase}`)
    refuseLateEvents(coordinator)
    disputed += state.disputed.length
    withdrew += state.withdrawn.length

    // R3, R5: no two attempts, and no two sites, ever share a key.
    for (const deal of coordinator.everyDeal) {
      const shares = sites.flatMap((site, place) => {
        const share = place < facts.holders.length ? site.share(round, deal) : undefined
        return share === undefined ? [] : [{ holder: place + 1, share: sumShares(ring, [share]) }]
      })
      if (shares.length < facts.threshold) continue
      const { key } = interpolateKey(ring, shares.slice(0, facts.threshold), facts.threshold)
      everyKey.add(hashBytes(new Uint8Array(key.residues().buffer)))
      keysSeen++
    }
    if (everyKey.size !== keysSeen) breach('R5: a key was dealt twice')

    if (state.phase === 'opened') {
      const { contributors } = state
      if (contributors.length < facts.least) breach(`R7: opened with ${contributors.length} of ${facts.least}`)
      if (state.answered.length < facts.threshold) breach(`R7: opened with ${state.answered.length} answers`)
      if (!contributors.every((site) => state.dealers.includes(site) && !state.disputed.includes(site)))
        breach('R24: a deal that disagrees was used')
      comparePlain(coordinator.opened, contributors, facts, vectors)
      const [without, { kills, effects }] = [facts.sites.length - contributors.length, coordinator]
      return { opened: true, attempts: attempt + 1, without, abortedIn, disputed, withdrew, kills, effects }
    }
    if (coordinator.opened !== null) breach('an aborted attempt was opened')
    if (!facts.sites.some((site) => state.reason?.includes(site))) breach(`aborted because of nobody: ${state.reason}`)
    if (state.broadcast !== ['contributing', 'answering'].includes(coordinator.endedIn))
      breach(`R6: aborted in ${coordinator.endedIn}, broadcast ${state.broadcast}`)
    abortedIn.push(coordinator.endedIn)
    if (attempt + 1 < attempts.length) coordinator.retry(roundOf(attempt + 1))
  }
  const { kills, effects } = coordinator
  return { opened: false, attempts: attempts.length, without: 0, abortedIn, disputed, withdrew, kills, effects }
}

const flipped = (box: Uint8Array): Uint8Array => box.map((byte, at) => (at === box.length - 20 ? byte ^ 1 : byte))

/** A closed attempt stays as it is, whoever comes back. */
const refuseLateEvents = ({ state, terms }: LightCoordinator): void => {
  const [site] = terms.sites as [SiteId]
  for (const type of ['dealt', 'checked', 'contributed', 'answered', 'withdrew'] as const) {
    const after = step(state, { type, site }, terms, Number.MAX_SAFE_INTEGER)
    if (after.state !== state || after.effects.length > 0) breach(`R5: ${type} moved a closed attempt`)
  }
}

const comparePlain = (
  sum: Float64Array | null,
  contributors: readonly SiteId[],
  { sites, layout }: LightStudy,
  vectors: readonly Float64Array[],
): void => {
  const places = contributors.map((site) => sites.indexOf(site))
  const plain = Array.from({ length: layout.dimension }, (_, i) =>
    places.reduce((all, at) => all + vectors[at]![i]!, 0),
  )
  const masks = new PairwiseMasks(sites.length, layout.dimension)
  const masked = masks.sum(new Map(places.map((at) => [at, masks.mask(at, vectors[at]!)])))
  if (sum === null || sum.length !== plain.length) return breach('nothing was opened')
  for (const [i, value] of plain.entries()) {
    if (sum[i] !== value) breach(`place ${i}: opened ${sum[i]}, the plain sum is ${value}`)
    if (masked[i] !== value) breach(`place ${i}: pairwise masks give ${masked[i]}, the plain sum is ${value}`)
  }
}
