import { pricePlan } from '@tributary/shared/dp/plan'
import { totalSteps } from '@tributary/shared/dp/steps'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { trainingSteps } from '../model/training.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import { waitingRun } from '../rounds/run.ts'
import type { PublishedStudy, StudyStore } from './study-store.ts'

const seconds = (from: number | undefined, to: number | undefined): number | null =>
  from === undefined || to === undefined ? null : Math.round(to - from) / 1000

/** What a study is at that takes longer than a round. */
const finishing = 'the last sum is opened and the generator finished, which may take minutes'

/** Where a study stands: who approved, which step, who contributed to every round, what it costs whom. */
export const runReport = (published: PublishedStudy, studies: StudyStore, rounds: RoundStore) => {
  const { study, manifest } = published
  const queries = queriesOf(manifest.plan)
  const stored = rounds.run(study)
  const run = stored?.state ?? waitingRun(study, queries)
  const { started, marginals, finished, health } = stored?.times ?? {}
  const approved = studies.statements(study, 'approval').map(({ site }) => site)
  const price = pricePlan(manifest)
  const kept = rounds.rounds(study)
  const isFinishing =
    run.outcome === 'running' &&
    run.step + 1 === trainingSteps(manifest) &&
    kept.some(({ step, phase }) => step === run.step && phase === 'opening')
  return {
    study,
    name: manifest.name,
    manifest: published.manifestHash,
    state: run.outcome,
    reason: run.reason,
    approvals_missing: manifest.sites.map(({ name }) => name).filter((name) => !approved.some((site) => site === name)),
    step: run.step,
    steps: totalSteps(queries),
    ...(isFinishing && { doing: finishing }),
    attempts: run.attempts.map((used, query) => ({
      kind: queries[query]?.kind,
      used,
      reserved: queries[query]?.attempts,
    })),
    epsilon: { public: price.epsilon.public.epsilon, peer: price.epsilon.peer.epsilon },
    delta: price.delta,
    unit: price.unit,
    ...(health !== undefined && { training: { is_sound: health.isSound, words: health.words } }),
    seconds: { marginals: seconds(started, marginals), training: seconds(marginals, finished) },
    rounds: kept.map(({ round, query, step, attempt, phase, contributors, reason }) => ({
      id: round,
      kind: queries[query]?.kind,
      step,
      attempt,
      state: phase,
      contributors,
      ...(reason !== null && { reason }),
    })),
  }
}
