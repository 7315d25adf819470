import { layoutOfColumns } from '@tributary/shared/schema/column'
import type { Generator } from '@tributary/shared/generator/generator'
import { columnSchema, type Manifest, sourceSchema } from '@tributary/shared/study/study-schema'
import type { ColumnCells } from '@tributary/shared/synthesizers/cell-condition'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { ganGenerator } from '@tributary/shared/synthesizers/gan/generator'

/** Sex and age first, then smoking, a code of six levels that is modelled in three groups, a number that may be missing, an outcome. */
export const plantedStudy = (facts: Partial<Manifest> = {}): Manifest =>
  ({
    columns: [
      { name: 'sex', kind: 'categorical', levels: ['f', 'm'] },
      { name: 'age', kind: 'numeric', integer: true, bins: [18, 40, 60], maximum: 79 },
      { name: 'smoking', kind: 'categorical', levels: ['never', 'former', 'current'] },
      { name: 'code', kind: 'categorical', levels: ['a', 'b', 'c', 'd', 'e', 'g'] },
      { name: 'bmi', kind: 'numeric', bins: [15, 25, 30.5], maximum: 60, missing: 'level' },
      { name: 'died', kind: 'categorical', levels: ['no', 'yes'] },
    ].map((column) => columnSchema.parse(column)),
    source: sourceSchema.parse({ format: 'csv', missing: ['?'] }),
    sites: [
      { name: 'north', promised_patients: 60_000, promised_rows: 60_000 },
      { name: 'south', promised_patients: 40_000, promised_rows: 40_000 },
    ],
    federation: { noise_shares: 1 },
    plan: { queries: [{ kind: 'marginals', noise_multiplier: 3, clip_norm: 2, divisor: 100_000, steps: 1 }] },
    ...facts,
  }) as unknown as Manifest

/** By component, by column of what is modelled: a patient is one of four kinds. */
export const plantedKinds = {
  weights: [0.4, 0.3, 0.2, 0.1],
  shares: [
    [
      [0.5, 0.5],
      [0.6, 0.3, 0.1],
      [0.7, 0.2, 0.1],
      [0.5, 0.3, 0.2],
      [0.4, 0.3, 0.2, 0.1],
      [0.95, 0.05],
    ],
    [
      [0.8, 0.2],
      [0.2, 0.4, 0.4],
      [0.5, 0.4, 0.1],
      [0.2, 0.2, 0.6],
      [0.1, 0.3, 0.5, 0.1],
      [0.7, 0.3],
    ],
    [
      [0.3, 0.7],
      [0.1, 0.3, 0.6],
      [0.1, 0.3, 0.6],
      [0.1, 0.8, 0.1],
      [0.2, 0.2, 0.5, 0.1],
      [0.5, 0.5],
    ],
    [
      [0.4, 0.6],
      [0.3, 0.3, 0.4],
      [0.2, 0.2, 0.6],
      [0.3, 0.3, 0.4],
      [0.1, 0.1, 0.2, 0.6],
      [0.6, 0.4],
    ],
  ],
} as const

/** Two levels of `code` in each group, one to three. */
export const plantedCode: ColumnCells = {
  parent: Uint16Array.of(0, 0, 1, 1, 2, 2),
  share: Float64Array.of(0.25, 0.75, 0.5, 0.5, 0.9, 0.1),
}

/** Its shares are known in closed form; `marginals`: what cohorts are raked to, nothing unless given. */
export const plantedGenerator = (marginals: Float64Array | null = null): Generator => {
  const sizes = [...layoutOfColumns(plantedStudy().columns).sizes]
  sizes[3] = 3
  return ganGenerator({
    layout: layoutOf(sizes),
    shares: Float32Array.from(plantedKinds.shares.flat(2)),
    weights: Float64Array.from(plantedKinds.weights),
    marginals,
    levels: sizes.map((_, j) => (j === 3 ? plantedCode : null)),
  })
}

/** Probability of a row of the study's codes, null standing for any. */
export const plantedMass = (row: readonly (number | null)[]): number =>
  plantedKinds.weights.reduce((sum, weight, k) => {
    const parts = row.map((code, j) => {
      if (code === null) return 1
      const shares: readonly number[] = plantedKinds.shares[k]![j]!
      return j === 3 ? shares[plantedCode.parent[code]!]! * plantedCode.share[code]! : shares[code]!
    })
    return sum + parts.reduce((a, b) => a * b, weight)
  }, 0)
