import { federationOf } from '@tributary/shared/study/federation'
import { freezeStudy } from '@tributary/shared/study/manifest'
import type { Manifest, StudyDraft } from '@tributary/shared/study/study-schema'

export interface CanaryStudy {
  readonly name: string
  /** Levels of each column. */
  readonly levels: readonly number[]
  readonly epsilon: number
  readonly family: StudyDraft['family']
}

interface CanaryNetwork {
  readonly hidden: number
  readonly steps: number
  readonly samplingRate: number
  readonly marginalsShare: number
}

/** A network that models every level by itself. */
export const canaryNetwork = (wanted: CanaryNetwork): StudyDraft['family'] => ({
  name: 'autoregressive',
  most_levels: 65_535,
  hidden: wanted.hidden,
  learning_rate: 0.01,
  averaged_share: 0.5,
  steps: wanted.steps,
  sampling_rate: wanted.samplingRate,
  marginals_share: wanted.marginalsShare,
  clip_norm: 1,
  spares: { marginals: 0, gradient: 2 },
})

/** A real frozen plan for three hospitals, unit patient, delta 1e-5; two noise shares are counted, so a hospital misses two. */
export const canaryStudy = (wanted: CanaryStudy): Manifest => {
  const sites = ['ash', 'birch', 'cedar'].map((name) => ({ name, promised_patients: 3_000, promised_rows: 6_000 }))
  const draft: StudyDraft = {
    tributary: 'study/1',
    name: wanted.name,
    purpose: 'Audit with canaries.',
    source: { format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8' },
    columns: wanted.levels.map((levels, column) => ({
      name: `column-${column}`,
      kind: 'categorical' as const,
      levels: Array.from({ length: levels }, (_, level) => `${level}`),
      ordered: false,
      numeric_text: false,
      missing: 'refuse' as const,
      other: 'refuse',
    })),
    privacy: { unit: 'patient', patient_key: 'who', epsilon: wanted.epsilon, delta: 1e-5 },
    family: wanted.family,
    sites,
    deadlines: { deal_seconds: 60, contribute_seconds: 600, send_every_milliseconds: 1, answer_seconds: 60 },
    federation: federationOf({ federation: {}, sites }),
  }
  return freezeStudy(draft)
}
