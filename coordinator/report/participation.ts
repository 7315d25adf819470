import type { QueryKind } from '@tributary/shared/dp/query'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { sharesIn } from '@tributary/shared/study/sum-shares'
import type { runReport } from '../studies/run-report.ts'
import type { Report } from './report-schema.ts'

export type RunFacts = Pick<ReturnType<typeof runReport>, 'attempts' | 'rounds' | 'training'>
type Span = Report['participation']['sums'][number]

/** Equal neighbours put together; attempts count from 1. */
const spansOf = (present: readonly boolean[]): Span[] => {
  const spans: Span[] = []
  present.forEach((now, i) => {
    const last = spans.at(-1)
    if (last?.present === now) last.to = i + 1
    else spans.push({ from: i + 1, to: i + 1, present: now })
  })
  return spans
}

/** Who contributed to which attempt, from the rounds as the coordinator stored them: public, like all participation (R11). */
export const participationOf = (manifest: Manifest, run: RunFacts): Report['participation'] => {
  const { sites, federation, plan } = manifest
  const opened = run.rounds.map(({ state }) => state === 'opened')
  const total = (of: (site: Manifest['sites'][number]) => number) => sites.reduce((sum, site) => sum + of(site), 0)
  return {
    invited: sites.map(({ name }) => name),
    promised_patients: total((site) => site.promised_patients),
    promised_rows: total((site) => site.promised_rows),
    least: federation.least_contributors,
    threshold: plan.threshold,
    attempts: opened.length,
    opened: opened.filter(Boolean).length,
    queries: run.attempts.map(({ kind, used, reserved }) => ({ kind: String(kind), used, reserved: reserved ?? used })),
    sites: sites.map(({ name }) => {
      const present = run.rounds.map(({ contributors }) => contributors.some((site) => site === name))
      const inOpened = present.filter((was, i) => was && opened[i]).length
      return {
        site: name,
        contributed: inOpened,
        missed: opened.filter(Boolean).length - inOpened,
        spans: spansOf(present),
      }
    }),
    sums: spansOf(opened),
    failed: run.rounds.flatMap(({ state, step, reason }, i) =>
      state === 'opened' ? [] : [{ attempt: i + 1, step, reason: reason ?? state }],
    ),
  }
}

/** Mean over the opened rounds of a kind; of the least sites allowed when none is on record. */
const meanOver = (
  manifest: Manifest,
  run: RunFacts,
  kind: QueryKind,
  of: (contributors: readonly string[]) => number,
): number => {
  const values = run.rounds
    .filter((round) => round.state === 'opened' && round.kind === kind)
    .map(({ contributors }) => of(contributors))
  return values.length === 0
    ? manifest.federation.least_contributors
    : values.reduce((a, b) => a + b, 0) / values.length
}

/** Mean number of contributors. */
export const contributorsOf = (manifest: Manifest, run: RunFacts, kind: QueryKind): number =>
  meanOver(manifest, run, kind, (contributors) => contributors.length)

/**
 * Noise shares in a sum that trains: one a contributor. Without some of the sites it counts as one of all of them, by what they
 * promised, and its noise with it, as if there were more shares (model/training.ts).
 */
export const noiseSharesOf = (manifest: Manifest, run: RunFacts, kind: QueryKind): number =>
  meanOver(manifest, run, kind, (contributors) => {
    const { shares, part } = sharesIn(manifest, contributors)
    return shares / part ** 2
  })
