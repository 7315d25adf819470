import { digest, roundId, siteId } from '@tributary/shared/ids'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { federationOf } from '@tributary/shared/study/federation'
import { freezeStudy, manifestHash, studyIdOf } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { Generator } from '@tributary/shared/generator/generator'
import { autoregressiveGenerator } from '@tributary/shared/synthesizers/autoregressive/generator'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { generateIdentity } from '@tributary/shared/wire/signed'
import type { ReleaseParts, RunReport } from '../../coordinator/release/make-release.ts'

const sites = ['ash', 'birch', 'cedar'].map((name) => ({ name, promised_patients: 3000, promised_rows: 3000 }))
let frozen: Manifest | undefined

/** Every kind of column: levels that must be quoted, whole and decimal numbers, each with and without missing values. */
const wardStudy = (): Manifest => {
  frozen ??= freezeStudy({
    tributary: 'study/1',
    name: 'ward',
    purpose: 'Tests of releases.',
    source: { format: 'csv', header: true, delimiter: ',', missing: ['?'], encoding: 'utf-8' },
    columns: [
      level('sex', ['female', 'male'], 'refuse'),
      level('note', ['plain', 'a, b', 'said "no"', 'two\nlines', 'é'], 'level'),
      number('age', [18, 40, 65], 95, true, 'refuse'),
      number('stays', [0, 1, 5], 20, true, 'level'),
      number('lactate', [0.5, 2.0, 4.0], 15.5, false, 'level'),
    ],
    privacy: { unit: 'row', most_rows_per_patient: 1, epsilon: 3, delta: 1e-5 },
    family: {
      name: 'autoregressive',
      hidden: 4,
      learning_rate: 0.01,
      averaged_share: 0.5,
      steps: 3,
      sampling_rate: 0.05,
      most_levels: 64,
      marginals_share: 0.1,
      clip_norm: 1,
      spares: { marginals: 1, gradient: 1 },
    },
    sites,
    deadlines: { deal_seconds: 60, contribute_seconds: 600, send_every_milliseconds: 1, answer_seconds: 60 },
    federation: federationOf({ federation: {}, sites }),
  })
  return frozen
}

const level = (name: string, levels: string[], missing: 'refuse' | 'level') => ({
  name,
  kind: 'categorical' as const,
  levels,
  missing,
  ordered: false,
  numeric_text: false,
  other: 'refuse',
})
const number = (name: string, bins: number[], maximum: number, integer: boolean, missing: 'refuse' | 'level') => ({
  name,
  kind: 'numeric' as const,
  bins,
  maximum,
  integer,
  missing,
  outside: 'refuse' as const,
})

/** Weights nobody trained, and marginals in which every level occurs. */
export const untrainedModel = (manifest: Manifest): Generator => {
  const network = networkOfStudy(manifest)
  const random = counterRandom(5, 9)
  const { sizes } = layoutOfColumns(manifest.columns)
  const shares = sizes.flatMap((size) => {
    const weights = Array.from({ length: size }, (_, i) => 1 + (i % 3))
    const sum = weights.reduce((a, b) => a + b, 0)
    return weights.map((weight) => weight / sum)
  })
  return autoregressiveGenerator({
    network,
    params: Float32Array.from({ length: network.dimension }, (_, i) => 0.5 * random.normal(i, 0)),
    marginals: Float64Array.from(shares),
    levels: sizes.map(() => null),
  })
}

/** A run that went well but for one attempt. */
const finishedRun = (manifest: Manifest, study: ReleaseParts['published']['study']): RunReport => {
  const kinds = manifest.plan.queries.flatMap(({ kind, steps }) => Array.from({ length: steps }, () => kind))
  const round = (
    kind: Manifest['plan']['queries'][number]['kind'],
    step: number,
    attempt: number,
    state: 'opened' | 'aborted',
  ) => ({
    id: roundId(`${step}${attempt}`.padEnd(64, '0')),
    kind,
    step,
    attempt,
    state,
    contributors: state === 'opened' ? manifest.sites.map(({ name }) => siteId(name)) : [],
    ...(state === 'aborted' && { reason: 'a site went away' }),
  })
  const rounds = kinds.map((kind, step) => round(kind, step, 0, 'opened'))
  return {
    study,
    name: manifest.name,
    manifest: manifestHash(manifest),
    state: 'completed',
    reason: null,
    approvals_missing: [],
    step: kinds.length,
    steps: kinds.length,
    attempts: manifest.plan.queries.map(({ kind, steps, attempts }, i) => ({
      kind,
      used: steps + i,
      reserved: attempts,
    })),
    epsilon: { public: 2.9, peer: 3.4 },
    delta: manifest.privacy.delta,
    unit: manifest.privacy.unit,
    seconds: { marginals: 1, training: 2 },
    rounds: [
      ...rounds.slice(0, 1),
      round('gradient', 1, 0, 'aborted'),
      { ...rounds[1]!, attempt: 1 },
      ...rounds.slice(2),
    ],
  }
}

const signer = generateIdentity()

/** All that a release needs, of an untrained model: `rows` rows of the ward study, or of `manifest`. */
export const tinyParts = (wanted: Partial<ReleaseParts> & { manifest?: Manifest } = {}): ReleaseParts => {
  const { manifest = wardStudy(), ...others } = wanted
  const rosterHash = digest('ab'.repeat(32))
  const study = studyIdOf(manifest, rosterHash)
  return {
    releaseId: 'rel-8KQ2',
    created: new Date('2026-11-22T06:00:00Z'),
    published: {
      study,
      manifest,
      manifestHash: manifestHash(manifest),
      roster: { version: 1, members: [] } as unknown as ReleaseParts['published']['roster'],
      rosterHash,
      seed: 7,
    },
    run: finishedRun(manifest, study),
    model: untrainedModel(manifest),
    modelSha256: digest('cd'.repeat(32)),
    order: { rows: 300, seed: 11 },
    formats: ['csv', 'parquet'],
    purpose: 'Tests.',
    signer,
    federation: 'test consortium',
    ...others,
  }
}
