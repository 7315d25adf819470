import { siteId, type SiteId } from '@tributary/shared/ids'
import { federationOf } from '@tributary/shared/study/federation'
import { freezeStudy } from '@tributary/shared/study/manifest'
import type { Manifest, StudyDraft } from '@tributary/shared/study/study-schema'

export interface AttackStudy {
  readonly sites: number
  /** c of the threshold. */
  readonly colluders: number
  readonly least: number
  /** Planned as if all had to contribute, then changed to `least`: no plan check would let it pass. */
  readonly isUnchecked?: boolean
  /** Another name is another study under the same roster. */
  readonly name?: string
}

export const attackSite = (index: number): SiteId => siteId(`h${String(index + 1).padStart(2, '0')}`)

const frozen = new Map<string, Manifest>()

/**
 * A real plan whose first step is 240 counts, one a ring coefficient: a guess of one hits less than one time in 2^40. Frozen
 * and priced once a process.
 */
export const attackStudy = (wanted: AttackStudy): Manifest => {
  const key = JSON.stringify(wanted)
  const known = frozen.get(key)
  if (known !== undefined) return known
  const sites = Array.from({ length: wanted.sites }, (_, i) => ({
    name: attackSite(i),
    promised_patients: 500,
    promised_rows: 500,
  }))
  const { colluders, least } = wanted
  const draft: StudyDraft = {
    tributary: 'study/1',
    name: wanted.name ?? 'attacked',
    purpose: 'Attacks on the round protocol.',
    source: { format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8' },
    columns: Array.from({ length: 12 }, (_, i) => ({
      name: `c${i}`,
      kind: 'categorical' as const,
      levels: Array.from({ length: 20 }, (_, level) => String(level)),
      ordered: false,
      numeric_text: false,
      missing: 'refuse' as const,
      other: 'refuse',
    })),
    privacy: { unit: 'row', most_rows_per_patient: 1, epsilon: 3, delta: 1e-6 },
    family: {
      name: 'autoregressive',
      most_levels: 64,
      hidden: 4,
      learning_rate: 0.01,
      averaged_share: 0.5,
      steps: 2,
      sampling_rate: 0.05,
      marginals_share: 0.1,
      clip_norm: 1,
      spares: { marginals: 1, gradient: 2 },
    },
    sites,
    deadlines: { deal_seconds: 60, contribute_seconds: 600, send_every_milliseconds: 1, answer_seconds: 60 },
    federation: federationOf({
      federation: { colluders, least_contributors: wanted.isUnchecked ? sites.length : least },
      sites,
    }),
  }
  const planned = freezeStudy(draft)
  const manifest = { ...planned, federation: { ...planned.federation, least_contributors: least } }
  frozen.set(key, manifest)
  return manifest
}
