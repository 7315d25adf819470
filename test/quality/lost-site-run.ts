import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pricePlan } from '@tributary/shared/dp/plan'
import type { Manifest } from '@tributary/shared/study/manifest'
import { Federation, type SiteFile } from '../../deploy/local/federation.ts'
import { numberField } from '../../deploy/local/program.ts'
import { isRunFolder, markRunFolder } from '../../deploy/local/run-folder.ts'
import { type RunReport, requireCompleted, roundReports, siteReport } from '../../deploy/local/run-report.ts'

export interface LostSiteRun {
  readonly manifest: Manifest
  readonly sites: readonly SiteFile[]
  /** Absolute; made anew. */
  readonly out: string
  readonly rows: number
  readonly seed: number
  /** The site whose agent is killed for good once `afterStep` is reached. */
  readonly lose: string
  readonly afterStep: number
}

/** What `run.json` says of a run, less what a hospital's ledger was charged; the lost site is not among `sites`. */
export type LostSiteReport = Pick<RunReport, 'epsilon' | 'delta' | 'engine' | 'coordinator' | 'seconds' | 'rounds'> & {
  readonly sites: Readonly<Record<string, Pick<RunReport['sites'][string], 'bytesPerParameter' | 'peakMemoryBytes'>>>
}

const secondsSince = (start: number): number => Math.round((performance.now() - start) / 10) / 100

/** The shipped programs as `federate` runs them, but one hospital's agent gets kill -9 and never comes back. */
export const runLosing = async (run: LostSiteRun): Promise<LostSiteReport> => {
  const { manifest, sites, out, rows, seed, lose, afterStep } = run
  if (existsSync(out) && readdirSync(out).length > 0 && !isRunFolder(out))
    throw new Error(`${out} holds no earlier run`)
  rmSync(out, { recursive: true, force: true })
  markRunFolder(out)
  const began = performance.now()
  const federation = new Federation({ manifest, sites, folder: out, seed })
  try {
    await federation.open()
    federation.startAgents()
    let isLost = false
    const ended = await federation.untilFinished(({ step }) => {
      if (isLost || step < afterStep) return
      isLost = true
      federation.lose(lose)
      console.error(`${lose} is lost at step ${step}`)
    }, 1000)
    if (!isLost) throw new Error(`the study ended before ${lose} could be lost`)
    requireCompleted(ended)
    const trained = secondsSince(began)
    await federation.cohort(rows, join(out, 'cohort.csv'))
    const cohort = secondsSince(began) - trained
    const rounds = roundReports(ended)
    const left = sites.filter(({ name }) => name !== lose)
    const stopped = left.map(
      ({ name }) =>
        [name, federation.agents.get(name)?.lines.findLast((line) => line['event'] === 'stopped') ?? {}] as const,
    )
    const reports = await Promise.all(
      stopped.map(async ([name, said]) => {
        const uncharged = { unit: Number.NaN, patient: Number.NaN } // its ledger is not asked
        return [name, siteReport(name, said, uncharged, await federation.egress(name), rounds, manifest)] as const
      }),
    )
    const coordinator = await federation.close()
    const { marginals, training } = ended.data['seconds'] as Record<'marginals' | 'training', number>
    const { epsilon } = pricePlan(manifest)
    return {
      epsilon: { public: epsilon.public.epsilon, peer: epsilon.peer.epsilon },
      delta: manifest.privacy.delta,
      engine: [...new Set(stopped.map(([, said]) => String(said['engine'])))].join(', '),
      sites: Object.fromEntries(
        reports.map(([name, { bytesPerParameter, peakMemoryBytes }]) => [name, { bytesPerParameter, peakMemoryBytes }]),
      ),
      coordinator: { peakMemoryBytes: numberField(coordinator, 'peakMemoryBytes') },
      seconds: { setup: trained - marginals - training, marginals, training, cohort },
      rounds,
    }
  } finally {
    await federation.close()
  }
}
