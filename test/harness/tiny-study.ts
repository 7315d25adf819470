import { freezeStudy } from '@tributary/shared/study/manifest'
import { federationOf } from '@tributary/shared/study/federation'
import type { Manifest, StudyDraft } from '@tributary/shared/study/study-schema'

export interface TinyStudy {
  readonly sites: number
  readonly least: number
  /** Gradient steps after the one marginals step. */
  readonly steps: number
  readonly spares: { readonly marginals: number; readonly gradient: number }
  /** Unit patient, and an evaluation of column b (levels 3 and 4) on those held out; `patients` promised a site. */
  readonly evaluation?: { readonly patients: number; readonly bins: number; readonly spares: number }
}

export const siteNames = ['ash', 'birch', 'cedar', 'date', 'elm', 'fir', 'gum', 'hazel'] as const

const frozen = new Map<string, Manifest>()

/** A real plan of the smallest model: a few dozen numbers a round. Frozen and priced once a process. Deadlines: 60, 600, 60 s. */
export const tinyStudy = (wanted: TinyStudy): Manifest => {
  const key = JSON.stringify(wanted)
  const known = frozen.get(key)
  if (known !== undefined) return known
  const { evaluation } = wanted
  // Marginals with a place for every site, in two columns; and as many rows as delta allows (R20).
  const levels = Array.from({ length: Math.max(5, Math.ceil(wanted.sites / 2)) }, (_, code) => String(code))
  const rows = wanted.sites > 20 ? 150 : 500
  const promised = {
    promised_patients: evaluation?.patients ?? rows,
    promised_rows: 2 * (evaluation?.patients ?? rows / 2),
  }
  const named = Array.from({ length: wanted.sites }, (_, i) => siteNames[i] ?? `site-${i}`)
  const sites = named.map((name) => ({ name, ...promised }))
  const draft: StudyDraft = {
    tributary: 'study/1',
    name: 'tiny',
    purpose: 'Tests of the round protocol.',
    source: { format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8' },
    columns: ['a', 'b'].map((name) => ({
      name,
      kind: 'categorical' as const,
      levels,
      ordered: false,
      numeric_text: false,
      missing: 'refuse' as const,
      other: 'refuse',
    })),
    privacy:
      evaluation === undefined
        ? { unit: 'row', most_rows_per_patient: 1, epsilon: 3, delta: 1e-5 }
        : { unit: 'patient', patient_key: 'who', epsilon: 3, delta: 1e-6 },
    family: {
      name: 'autoregressive',
      most_levels: 64,
      hidden: 4,
      learning_rate: evaluation === undefined ? 0.01 : 0.1,
      averaged_share: 0.5,
      steps: wanted.steps,
      sampling_rate: 0.05,
      marginals_share: 0.1,
      clip_norm: 1,
      spares: wanted.spares,
    },
    ...(evaluation !== undefined && {
      evaluation: { outcome: 'b', positive: ['3', '4'], bins: evaluation.bins, spares: evaluation.spares },
    }),
    sites,
    deadlines: { deal_seconds: 60, contribute_seconds: 600, send_every_milliseconds: 1, answer_seconds: 60 },
    federation: federationOf({ federation: { least_contributors: wanted.least }, sites }),
  }
  const manifest = freezeStudy(draft)
  frozen.set(key, manifest)
  return manifest
}
