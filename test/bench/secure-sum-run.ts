import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wireStepOf } from '@tributary/shared/dp/fold'
import { stepsPerEpoch } from '@tributary/shared/study/epoch'
import { encodeParameters } from '@tributary/shared/synthesizers/parameters'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { median } from './phase-times.ts'
import {
  answerBytes,
  boxesBytes,
  boxKeysBytes,
  checkBytes,
  contributionBytes,
  contributionStateBytes,
  dealBytes,
  doneBytes,
  fetchBytes,
  modelBytes,
  pollBytes,
  taskBytes,
} from './round-bytes.ts'
import { SecureSumCoordinator } from './secure-sum-coordinator.ts'
import { benchStep, SecureSumSite } from './secure-sum-site.ts'
import { secureSumStudy } from './secure-sum-study.ts'
import { type Baseline, pairwiseMaskBaseline, plaintextBaseline } from './sum-baselines.ts'
import { sharedKeyCkksBaseline } from './shared-key-ckks.ts'

export interface SecureSumAsked {
  readonly sites: number
  readonly parameters: number
  /** Sites that deal and are not heard from again. */
  readonly lost: number
}

/** Uniform over what a site may send, and its two ends first, where a slot would overflow. */
const randomIntegers = (dimension: number, bound: number): Float64Array => {
  const words = randomFillSync(new Uint32Array(dimension))
  const integers = Float64Array.from(words, (word) => (word % (2 * bound + 1)) - bound)
  integers.set([bound, -bound].slice(0, dimension))
  return integers
}

/** One sealed round of the planner's gradient, every site and the coordinator one after another in this process. */
const playRound = async (asked: SecureSumAsked, folder: string, say: (text: string) => void) => {
  const { published, coordinator: identity, identities } = secureSumStudy(asked.sites, asked.lost, asked.parameters)
  const starting = performance.now()
  const coordinator = await SecureSumCoordinator.open(published, identity, folder)
  const ringSeconds = (performance.now() - starting) / 1000
  const sites: SecureSumSite[] = []
  try {
    for (const [place, each] of identities.entries())
      sites.push(await SecureSumSite.open(published, place, each, folder))
    const { layout, round } = coordinator
    const { study } = published
    const boxKeys = sites.filter(({ isHolder }) => isHolder).map((site) => site.boxKeys())
    const seen = sites.map((site) => ({ site: site.name, ...site.earlierStatement() }))
    const poll = pollBytes(study)
    for (const site of sites) {
      say(`${site.name} deals`)
      const deal = await site.deal(boxKeys, seen)
      coordinator.deal(site.name, deal)
      site.up += poll + dealBytes(deal)
      site.down += taskBytes({ kind: 'deal', study, step: benchStep, attempt: 0, boxKeys }) + doneBytes
      if (site.isHolder) {
        site.up += boxKeysBytes(boxKeys[0]!)
        site.down += doneBytes / stepsPerEpoch
      }
    }
    const present = sites.slice(0, asked.sites - asked.lost)
    for (const site of present) {
      const dealt = coordinator.boxes(site.name)
      const check = site.check(dealt)
      site.up += poll + fetchBytes(round)
      site.down += boxesBytes(dealt)
      if (check === undefined) continue
      site.down += taskBytes({ kind: 'check', study, step: benchStep, attempt: 0 }) + doneBytes
      coordinator.check(site.name, check)
      site.up += checkBytes(check)
    }
    const model = encodeParameters(new Float32Array(asked.parameters))
    const broadcast = coordinator.broadcast(hashBytes(model))
    const sum = new Float64Array(asked.parameters)
    const vectors: Float64Array[] = []
    let contributed = 0
    for (const site of present) {
      say(`${site.name} seals`)
      const integers = randomIntegers(asked.parameters, layout.bound)
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + integers[i]!
      vectors.push(integers)
      const sealed = await site.contribute(broadcast, integers.slice())
      const hashes = sealed.parts.map(hashBytes)
      await coordinator.contribute(site.name, sealed, hashes)
      site.acknowledged()
      contributed = contributionBytes(round, sealed, hashes)
      site.up += poll + fetchBytes(round) + contributed
      site.down += taskBytes({ kind: 'contribute', broadcast }) + contributionStateBytes(hashes.length)
    }
    const announcement = coordinator.announce()
    const answering = present.filter(({ isHolder }) => isHolder)
    for (const site of answering) {
      const answer = site.answer(announcement)
      coordinator.answer(site.name, answer)
      site.up += poll + answerBytes(answer)
      site.down += taskBytes({ kind: 'answer', announcement }) + doneBytes
    }
    say('opens the sum')
    const opened = await coordinator.open()
    const wireStep = wireStepOf(coordinator.query.grid)
    const exact = opened.length === sum.length && sum.every((value, i) => value * wireStep === opened[i])
    const phases = Object.keys(present[0]!.times.phases)
    const totals = present.map(({ times }) => times.seconds)
    const all = sites.reduce((bytes, { up }) => bytes + up, 0)
    return {
      vectors,
      sum,
      report: {
        exact,
        /** Of all sites, those lost included, over the parameters of those that contributed. */
        bytesUpPerParameter: all / (asked.parameters * present.length),
        contributionBytesPerParameter: contributed / asked.parameters,
        bytesDownPerParameter: median(present.map(({ down }) => down)) / asked.parameters,
        modelBytesPerParameter: (await modelBytes(model)) / asked.parameters,
        siteSeconds: median(totals),
        siteSecondsSlowest: Math.max(...totals),
        siteProcessorSeconds: median(present.map(({ times }) => times.processorSeconds)),
        sitePhaseMilliseconds: Object.fromEntries(
          phases.map((phase) => [phase, median(present.map(({ times }) => times.phases[phase] ?? 0))]),
        ),
        coordinatorSeconds: coordinator.times.seconds,
        coordinatorProcessorSeconds: coordinator.times.processorSeconds,
        coordinatorPhaseMilliseconds: coordinator.times.phases,
        ringSeconds,
        /** Of this process, which plays every site and the coordinator. */
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        plan: {
          valuesPerCoefficient: layout.valuesPerCoefficient,
          slotBits: layout.slotBits,
          scaleBits: layout.scaleBits,
          threshold: published.manifest.plan.threshold,
          leastContributors: published.manifest.federation.least_contributors,
          answers: answering.length,
        },
      },
    }
  } finally {
    for (const site of sites) await site.close()
    await coordinator.close()
  }
}

export type SecureSumReport = Awaited<ReturnType<typeof playRound>>['report'] & {
  readonly asked: SecureSumAsked
  readonly baselines: readonly Baseline[]
}

/** The round, then its baselines on the very same integers. Files go to a folder of the system's that is removed. */
export const runSecureSum = async (asked: SecureSumAsked, say: (text: string) => void): Promise<SecureSumReport> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-secure-sum-'))
  try {
    const { report, vectors, sum } = await playRound(asked, folder, say)
    say('plaintext and pairwise masks')
    const baselines = [plaintextBaseline(vectors, sum), pairwiseMaskBaseline(vectors, asked.lost, sum)]
    const ckks = await sharedKeyCkksBaseline(vectors, sum, (done) => say(`shared-key CKKS: ${done} parameters`))
    return { asked, ...report, baselines: [...baselines, ckks] }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
