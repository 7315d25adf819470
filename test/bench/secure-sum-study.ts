import { networkBlock, settingsOf } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { siteId } from '@tributary/shared/ids'
import { federationOf } from '@tributary/shared/study/federation'
import { freezeStudy, manifestHash, studyIdOf } from '@tributary/shared/study/manifest'
import type { Manifest, StudyDraft } from '@tributary/shared/study/study-schema'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import type { Roster } from '@tributary/shared/wire/messages'
import { rosterHash } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import type { PublishedStudy } from '../../coordinator/studies/study-store.ts'

/** Ten columns of ten levels: what a hidden unit costs is small beside a million weights. */
const sizes = Array.from({ length: 10 }, () => 10)

/** Budget, rate and steps as in the diabetes5 sample. */
const draftOf = (names: readonly string[], lost: number, hidden: number): StudyDraft => {
  const sites = names.map((name) => ({ name, promised_patients: 6_000, promised_rows: 6_000 }))
  const usual = federationOf({ federation: {}, sites }).least_contributors
  return {
    tributary: 'study/1',
    name: 'secure-sum',
    purpose: 'Benchmark of sealed sums.',
    source: { format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8' },
    columns: sizes.map((levels, column) => ({
      name: `column-${column}`,
      kind: 'categorical' as const,
      levels: Array.from({ length: levels }, (_, level) => `${level}`),
      ordered: false,
      numeric_text: false,
      missing: 'refuse' as const,
      other: 'refuse',
    })),
    privacy: { unit: 'row', most_rows_per_patient: 1, epsilon: 3, delta: 1e-7 },
    family: {
      name: 'autoregressive',
      most_levels: 64,
      hidden,
      learning_rate: 0.01,
      averaged_share: 0.5,
      steps: 300,
      sampling_rate: 0.05,
      marginals_share: 0.1,
      clip_norm: 1,
      spares: { marginals: 0, gradient: 30 },
    },
    sites,
    deadlines: { deal_seconds: 60, contribute_seconds: 600, send_every_milliseconds: 1, answer_seconds: 60 },
    federation: federationOf({ federation: { least_contributors: Math.min(usual, sites.length - lost) }, sites }),
  }
}

/** Hidden units of the network whose gradient has about `parameters` values. */
const hiddenFor = (parameters: number): number => {
  const settings = settingsOf(networkBlock(draftOf([], 0, 1)))
  const of = (hidden: number) => networkOf(layoutOf(sizes), { ...settings, hidden }).dimension
  const each = of(2) - of(1)
  return Math.max(1, Math.round((parameters - of(1)) / each) + 1)
}

export interface SecureSumStudy {
  readonly published: PublishedStudy
  readonly coordinator: IdentityKey
  readonly identities: readonly IdentityKey[]
}

/**
 * The planner's plan for `sites` hospitals of which `lost` may be away and a network of about `parameters` weights, its gradient
 * then given exactly that many values: noise, fold and slots are as the planner made them.
 */
export const secureSumStudy = (sites: number, lost: number, parameters: number): SecureSumStudy => {
  const names = Array.from({ length: sites }, (_, i) => `site-${String(i + 1).padStart(2, '0')}`)
  const frozen = freezeStudy(draftOf(names, lost, hiddenFor(parameters)))
  const queries = frozen.plan.queries.map((query) =>
    query.kind === 'gradient' ? { ...query, dimension: parameters } : query,
  )
  const manifest: Manifest = { ...frozen, plan: { ...frozen.plan, queries } }
  const coordinator = generateIdentity()
  const identities = names.map(() => generateIdentity())
  const holders = manifest.federation.committee
  const roster: Roster = {
    federation: 'benchmark',
    version: 1,
    admin: generateIdentity().publicKey,
    coordinator: coordinator.publicKey,
    members: names.map((name, i) => ({ site: siteId(name), identity: (identities[i] as IdentityKey).publicKey })),
    committee: holders === undefined ? [] : names.slice(0, holders).map(siteId),
  }
  const hash = rosterHash(roster)
  const published: PublishedStudy = {
    study: studyIdOf(manifest, hash),
    manifest,
    manifestHash: manifestHash(manifest),
    roster,
    rosterHash: hash,
    seed: 1,
  }
  return { published, coordinator, identities }
}
