import { digitalSourceType, markColumn, releaseFormat } from '@tributary/shared/synthetic-mark'
import { additionsOf } from '../cohort/order.ts'
import type { CohortPlan } from '../cohort/plan.ts'
import type { Report } from '../report/report.ts'
import type { ReleaseParts } from './release-parts.ts'
import type { ReleaseManifest } from './release-schema.ts'

const notice =
  'SYNTHETIC DATA. No row is a patient: every row was drawn from a differentially private generator. Do not link to people.'

/** Kept equal to package.json by a test. */
export const tributaryVersion = '0.1.0'

const contributorsOf = ({ run, published }: ReleaseParts): ReleaseManifest['contributors'] => {
  const { sites, federation } = published.manifest
  const opened = run.rounds.filter(({ state }) => state === 'opened')
  return {
    invited: sites.length,
    must_contribute: federation.least_contributors,
    rounds: opened.length,
    aborted: run.rounds.filter(({ state }) => state === 'aborted').length,
    sites: sites.map(({ name }) => ({
      site: name,
      rounds: opened.filter(({ contributors }) => contributors.some((site) => site === name)).length,
    })),
  }
}

interface Made {
  readonly plan: CohortPlan
  /** Of the order in normal form. */
  readonly orderSha256: string
  readonly report: Report
  /** Of the data. */
  readonly files: readonly string[]
  readonly rowsSha256: string
}

/** release.json; what the cohort is not for, and the commands that make it again, are the report's. */
export const releaseManifest = (
  parts: ReleaseParts,
  { plan, orderSha256, report, files, rowsSha256 }: Made,
): ReleaseManifest => {
  const { published, run, order } = parts
  const { manifest } = published
  return {
    tributary: releaseFormat,
    synthetic: true,
    notice,
    digital_source_type: digitalSourceType,
    release: parts.releaseId,
    created: parts.created.toISOString(),
    federation: parts.federation,
    purpose: parts.purpose,
    not_for: report.not_for,
    study: {
      id: published.study,
      name: manifest.name,
      purpose: manifest.purpose,
      manifest_sha256: published.manifestHash,
      roster_sha256: published.rosterHash,
      estimand: report.privacy.estimand,
    },
    generator: { family: manifest.family.name, model_sha256: parts.modelSha256, initial_seed: published.seed },
    request: {
      rows: order.rows,
      seed: order.seed,
      where: plan.where,
      ...additionsOf(plan),
      order_sha256: orderSha256,
      formats: [...parts.formats],
    },
    outcome: {
      handling: plan.handling,
      columns: plan.columns,
      support: plan.support,
      support_standard_error: plan.support_standard_error,
      support_noise_error: report.support.noise_error,
      expected_patients: plan.expected_patients,
      effective_sample_size: plan.effective_sample_size,
      largest_weight: plan.largest_weight,
      cohort_floor: plan.cohort_floor,
      ...(plan.strata !== undefined && { strata: plan.strata }),
      ...(plan.absent !== undefined && { absent: plan.absent }),
      ...(plan.what_if !== undefined && { what_if: plan.what_if }),
      warnings: plan.warnings,
    },
    contributors: contributorsOf(parts),
    privacy: {
      unit: run.unit,
      epsilon: run.epsilon,
      delta: run.delta,
      cost_of_this_release: 0,
      statement: 'privacy.json',
    },
    data: {
      rows: order.rows,
      columns: manifest.columns.map(({ name }) => name),
      mark_column: markColumn,
      rows_sha256: rowsSha256,
      files: [...files],
    },
    software: { tributary: tributaryVersion, node: process.version },
    reproduce: [
      ...report.reproduce.commands,
      'The same order of the same model (generator.model_sha256) gives the same rows: compare data.rows_sha256.',
      'Offline, without Tributary: sha256sum -c SHA256SUMS.',
    ],
  }
}
