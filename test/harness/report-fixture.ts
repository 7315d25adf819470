import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { columnsOf } from '@tributary/shared/schema/column'
import { digest, roundId, siteId, studyId } from '@tributary/shared/ids'
import { promisedUnits } from '@tributary/shared/study/federation'
import { parseManifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { applyMarginals, initialModel, release } from '@tributary/shared/synthesizers/autoregressive/apply'
import { sampleCells } from '@tributary/shared/generator/sample'
import { autoregressiveGenerator } from '@tributary/shared/synthesizers/autoregressive/generator'
import type { Generator } from '@tributary/shared/generator/generator'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { type CohortPlan, planCohort } from '../../coordinator/cohort/plan.ts'
import { CohortTally } from '../../coordinator/report/cohort-tally.ts'
import type { ReportFacts } from '../../coordinator/report/report.ts'

export interface FixtureChoices {
  readonly sampleRows: number
  /** Towards the released marginals, as cohorts are: slower, 32,768 rows are drawn at least. */
  readonly raked?: boolean
  /** A row of codes is in the cohort; its words are `where`. */
  readonly keep?: (codes: Uint16Array) => boolean
  readonly where?: string
  readonly handling?: 'exact' | 'weighted'
  /** Attempts at these places (from 0) are aborted; the site at `lost` is away from the round named. */
  readonly aborted?: readonly number[]
  readonly lost?: { readonly site: number; readonly from: number }
  readonly edit?: (manifest: Manifest) => Manifest
}

export const sampleStudy = (name: string): Manifest => {
  const file = join(import.meta.dirname, '../../deploy/samples/studies', `${name}.yaml`)
  return parseManifest(readFileSync(file, 'utf8'), file)
}

/** A model as a run would release it: planted shares with the plan's own noise, random weights so that columns depend on each other. */
export const plantedModel = (manifest: Manifest, seed: number): Generator => {
  const network = networkOfStudy(manifest)
  const { cells, sizes, offsets } = network.layout
  const random = counterRandom(seed, 9)
  const [query] = manifest.plan.queries
  const deviation = query!.noise_multiplier * query!.clip_norm
  const units = promisedUnits(manifest)
  const sums = new Float64Array(cells)
  sizes.forEach((size, j) => {
    const weights = Array.from({ length: size }, (_, code) => Math.exp(1.3 * random.normal(offsets[j]! + code, 0)))
    const total = weights.reduce((a, b) => a + b, 0)
    weights.forEach((weight, code) => {
      const cell = offsets[j]! + code
      sums[cell] = (units * weight) / total + deviation * random.normal(cell, 1)
    })
  })
  const started = initialModel(network, seed)
  const params = started.params.slice()
  for (let i = network.inputOutput.at[0]!; i < network.outputBias; i++) params[i] = 0.3 * random.normal(i, 2)
  return autoregressiveGenerator(release(applyMarginals({ ...started, params }, sums, query!.divisor)))
}

const hex = (character: string) => character.repeat(64)

/** Facts of a report on a sample study, without hospitals: for tests, and for looking at the page. */
export const reportFacts = async (study: string, choices: FixtureChoices): Promise<ReportFacts> => {
  const edited = choices.edit ?? ((manifest: Manifest) => manifest)
  const manifest = edited(sampleStudy(study))
  const model = plantedModel(manifest, 4)
  const columns = columnsOf(manifest)
  const sample = new CohortTally(columns)
  const cohort = new CohortTally(columns)
  const network = new CohortTally(columns)
  for await (const codes of sampleCells(model, choices.sampleRows, 2, { rake: false }))
    network.add({ rows: codes.length / columns.length, codes })
  const isRaked = choices.raked ?? false
  for await (const codes of sampleCells(model, choices.sampleRows, 1, { rake: isRaked })) {
    const kept: number[] = []
    for (let at = 0; at < codes.length; at += columns.length) {
      const row = codes.subarray(at, at + columns.length)
      if (choices.keep?.(row) ?? true) kept.push(...row)
    }
    sample.add({ rows: codes.length / columns.length, codes })
    cohort.add({ rows: kept.length / columns.length, codes: Uint16Array.from(kept) })
  }
  return {
    releaseId: 'rel-8KQ2',
    created: new Date('2026-11-22T10:20:30Z'),
    purpose: 'Power analysis for a follow-up study.',
    federation: 'Example federation',
    published: { study: studyId(hex('a')), manifest, manifestHash: digest(hex('b')) },
    run: runOf(manifest, choices),
    model,
    modelSha256: hex('c'),
    plan: planOf(manifest, cohort.rows, cohort.rows / sample.rows, choices),
    cohort,
    sample,
    sampleEffectiveRows: isRaked
      ? (await planCohort(manifest, model, { rows: sample.rows, seed: 1 })).effective_sample_size
      : sample.rows,
    network,
  }
}

const planOf = (manifest: Manifest, rows: number, support: number, choices: FixtureChoices): CohortPlan => {
  const where = choices.where ?? null
  const handling = where === null ? 'unconditional' : (choices.handling ?? 'exact')
  const patients = manifest.sites.reduce((sum, site) => sum + site.promised_patients, 0)
  return {
    rows,
    seed: 7,
    where,
    handling,
    columns: handling === 'unconditional' ? [] : [{ name: manifest.columns[0]!.name, handling }],
    support,
    support_standard_error: Math.sqrt((support * (1 - support)) / choices.sampleRows),
    support_noise_error: handling === 'unconditional' ? 0 : 0.3 * support,
    expected_patients: support * patients,
    effective_sample_size: handling === 'weighted' ? 0.61 * rows : rows,
    largest_weight: handling === 'weighted' ? 3.2 : 1,
    draws: choices.sampleRows,
    cohort_floor: 0,
    warnings:
      handling === 'weighted' ? [{ code: 'SUPPORT_THIN', message: 'few patients may stand behind this cohort' }] : [],
    privacy_cost: 0,
  }
}

const runOf = (manifest: Manifest, { aborted = [], lost }: FixtureChoices): ReportFacts['run'] => {
  const { queries } = manifest.plan
  const steps = queries.reduce((sum, { steps: count }) => sum + count, 0)
  const sites = manifest.sites.map(({ name }) => siteId(name))
  const rounds: ReportFacts['run']['rounds'] = []
  for (let step = 0, attempt = 0; step < steps; ) {
    const at = rounds.length
    const failed = aborted.includes(at)
    const query = step < queries[0]!.steps ? 0 : 1
    rounds.push({
      id: roundId(at.toString(16).padStart(64, '0')),
      kind: queries[query]!.kind,
      step,
      attempt,
      state: failed ? 'aborted' : 'opened',
      contributors: sites.filter((_, site) => (lost && at >= lost.from ? site !== lost.site : !failed || site > 0)),
      ...(failed && { reason: 'DEADLINE_PASSED' }),
    })
    attempt = failed ? attempt + 1 : 0
    if (!failed) step++
  }
  const attempts = queries.map(({ kind, attempts: reserved }) => ({
    kind,
    used: rounds.filter((round) => round.kind === kind).length,
    reserved,
  }))
  return { attempts, rounds }
}
