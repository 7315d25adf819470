import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pricePlan } from '@tributary/shared/dp/plan'
import { epsilonPld } from '@tributary/shared/dp/pld'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { delta } from '@tributary/shared/units'
import { cohortMetadata } from './cohort-metadata.ts'
import { Federation, type SiteFile, type StudyProgress } from './federation.ts'
import { type Json, listField, numberField } from './program.ts'
import type { ProgressLine } from './progress-line.ts'
import { type CohortOrder, releaseCohort, type ReleasedCohort } from './researcher.ts'
import { type ChargedEpsilon, type RunReport, requireCompleted, roundReports, siteReport } from './run-report.ts'

export interface LocalRun {
  readonly manifest: Manifest
  readonly sites: readonly SiteFile[]
  /** Absolute; what an earlier run left there is replaced. */
  readonly out: string
  readonly rows: number
  readonly seed: number
  /** A sub-population to ask for as a researcher would; its release lies in `out/release`. */
  readonly ask?: CohortOrder
}

export interface LocalResult {
  readonly report: RunReport
  /** What was asked for as a researcher; undefined when nothing was. */
  readonly release: ReleasedCohort | undefined
}

const written = [
  'model.bin',
  'cohort.csv',
  'cohort.csv-metadata.json',
  'run.json',
  'study.json',
  'release',
  'logs',
  'data',
]

const phaseWords = {
  marginals: 'counting 1-way marginals',
  pairs: 'counting tables of two columns',
  gradient: 'training',
  scores: 'evaluating on held-out patients',
} as Record<string, string>

const progressText = ({ phase, step, steps, state }: StudyProgress): string => {
  if (state === 'waiting') return 'waiting for the hospitals'
  // All steps are done by then.
  if (phase === 'finishing') return 'fitting the generator'
  return `${phaseWords[phase] ?? phase}: step ${step} of ${steps}`
}

const secondsSince = (start: number): number => Math.round((performance.now() - start) / 10) / 100

/** What a hospital's own ledger was charged for this study so far: for the study's own unit, and for a whole patient. */
const charged = (budget: Json, study: string, manifest: Manifest): ChargedEpsilon => {
  const account = listField(budget, 'studies').find((each) => each['study'] === study)
  if (account === undefined) return { unit: 0, patient: 0 }
  const patient = numberField(account, 'epsilon')
  if (manifest.privacy.unit === 'patient') return { unit: patient, patient }
  const attempts = listField(account, 'attempts').map((each) => numberField(each, 'charged'))
  const phases = pricePlan(manifest)
    .ledger.phases.map(({ noiseMultiplier, samplingRate }, i) => ({
      noiseMultiplier,
      samplingRate,
      steps: attempts[i] ?? 0,
    }))
    .filter(({ steps }) => steps > 0)
  return { unit: epsilonPld(phases, delta(manifest.privacy.delta)), patient }
}

/**
 * One whole run: federation up, training, cohort, model, report; every file of it in `out`. The processes are gone when it
 * returns or throws; logs stay. Throws the code of whichever program failed first.
 */
export const runLocally = async (run: LocalRun, progress: ProgressLine): Promise<LocalResult> => {
  const { manifest, sites, out, rows, seed } = run
  mkdirSync(out, { recursive: true })
  for (const name of written) rmSync(join(out, name), { recursive: true, force: true })
  const began = performance.now()
  const federation = new Federation({ manifest, sites, folder: out, seed, onStep: (what) => progress.stage(what) })
  try {
    await federation.open()
    federation.startAgents()
    progress.stage('waiting for the hospitals')
    let phase = ''
    const ended = await federation.untilFinished((now) => {
      if (now.state === 'completed') return
      if (now.phase === phase) progress.update(progressText(now))
      else progress.stage(progressText(now))
      phase = now.phase
    })
    requireCompleted(ended)
    const trained = secondsSince(began)
    progress.stage(`drawing a cohort of ${rows} rows`)
    const cohortBegan = performance.now()
    const cohortFile = join(out, 'cohort.csv')
    await federation.cohort(rows, cohortFile)
    await federation.exportModel(join(out, 'model.bin'))
    const { epsilon } = pricePlan(manifest)
    const figures = { public: epsilon.public.epsilon, peer: epsilon.peer.epsilon }
    const metadataFile = join(out, 'cohort.csv-metadata.json')
    const facts = { manifest, study: federation.study, rows, seed, epsilon: figures }
    writeFileSync(metadataFile, `${JSON.stringify(cohortMetadata(cohortFile, 'cohort.csv', facts), null, 2)}\n`)
    const cohort = secondsSince(cohortBegan)
    const ask = (order: CohortOrder) =>
      releaseCohort(federation, order, join(out, 'release'), (what) => progress.stage(what))
    const release = run.ask && (await ask(run.ask))
    const rounds = roundReports(ended)
    const siteReports = await Promise.all(
      sites.map(async ({ name }) => {
        const stopped = federation.agents.get(name)?.lines.findLast((line) => line['event'] === 'stopped') ?? {}
        const spent = charged(await federation.budget(name), federation.study, manifest)
        return [
          name,
          siteReport(name, stopped, spent, await federation.egress(name), rounds, manifest),
          String(stopped['engine']),
        ] as const
      }),
    )
    progress.stage('stopping')
    const coordinator = await federation.close()
    const report: RunReport = {
      study: federation.study,
      epsilon: figures,
      delta: manifest.privacy.delta,
      unit: manifest.privacy.unit,
      engine: [...new Set(siteReports.map(([, , engine]) => engine))].join(', '),
      sites: Object.fromEntries(siteReports.map(([name, report]) => [name, report])),
      coordinator: { peakMemoryBytes: numberField(coordinator, 'peakMemoryBytes') },
      seconds: { ...phaseSeconds(ended.data, trained), cohort },
      rounds,
    }
    writeFileSync(join(out, 'run.json'), `${JSON.stringify(report, null, 2)}\n`)
    return { report, release }
  } finally {
    await federation.close()
    if (!existsSync(join(out, 'run.json'))) progress.stage(`stopped early; logs in ${join(out, 'logs')}`)
  }
}

/** Rounds by the coordinator's own clock; what is left until the last agent ended was setting up. */
const phaseSeconds = (data: Json, trained: number) => {
  const { marginals, training } = data['seconds'] as Record<'marginals' | 'training', number>
  return { setup: Math.round(1000 * (trained - marginals - training)) / 1000, marginals, training }
}
