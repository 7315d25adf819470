import { levelName } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { countRange } from '../records/problem.ts'
import type { LevelGap } from './level-gaps.ts'
import type { Compared, SiteQuality } from './site-quality.ts'

/** Whose rows the cohort was compared with. */
export type ComparedRows = 'held-out patients' | 'all patients' | 'all rows'

export interface QualityReport {
  readonly study: string
  readonly compared_with: ComparedRows
  /** A range, as all counts of patients here. */
  readonly patients: string
  /** How the cohort was chosen; null for the pool. */
  readonly asked: string | null
  readonly verdict: string
  readonly columns: readonly object[]
  readonly worst_pairs: readonly object[]
  readonly levels: readonly object[]
  readonly tvd1: Compared
  readonly tvd2: Compared
  /** The same of those rows of the cohort that name this hospital; null where the study has no site column. */
  readonly own_rows: { readonly tvd1: Compared; readonly tvd2: Compared } | null
}

const three = (value: number): number => Math.round(value * 1000) / 1000

const four = (value: number): number => Math.round(value * 1e4) / 1e4

const rounded = ({ distance, expected, most }: Compared): Compared => ({
  distance: four(distance),
  expected: four(expected),
  most: four(most),
})

const figures = ({ distance, expected, most }: Compared) => ({
  distance: three(distance),
  'by chance': three(expected),
  beyond: distance > most,
})

const verdictOf = ({ tvd1, tvd2, columns }: SiteQuality, asked: string | null): string => {
  const far = columns.filter(({ distance, most }) => distance > most).length
  if (asked !== null)
    return (
      `This cohort is not the pool: it was asked for with ${asked}. How far it is from this hospital says first of all how far that is; ` +
      `${far} of ${columns.length} columns are beyond chance. For the pool, ask for a cohort without conditions.`
    )
  if (tvd2.distance <= tvd2.most && tvd1.distance > tvd1.most)
    return (
      `The pairs of columns of the pooled cohort are as near to this hospital as those of another sample of its own size would be; its ` +
      `single columns are not: ${far} of ${columns.length} are beyond chance.`
    )
  if (tvd2.distance <= tvd2.most)
    return 'The pooled cohort is as near to this hospital as another sample of its own size would be: nothing here says that it serves this hospital badly.'
  const times = (tvd2.distance / Math.max(tvd2.expected, 1e-9)).toFixed(1)
  return (
    `The pooled cohort is ${times} times as far from this hospital's pairs of columns as chance alone would put it, with ${far} of ` +
    `${columns.length} columns beyond chance: this hospital differs from the pool in them.`
  )
}

/** For eyes inside the hospital: names of the study's columns and levels, shares, ranges of counts; no value of a row. */
export const qualityReport = (
  manifest: Pick<Manifest, 'name' | 'columns'>,
  asked: string | null,
  compared: ComparedRows,
  units: number,
  quality: SiteQuality,
  gaps: readonly LevelGap[],
  own: Pick<SiteQuality, 'tvd1' | 'tvd2'> | null,
): QualityReport => {
  const { columns } = manifest
  const nameOf = (column: number) => columns[column]!.name
  return {
    study: manifest.name,
    compared_with: compared,
    patients: countRange(units),
    asked,
    verdict: verdictOf(quality, asked),
    columns: [...quality.columns]
      .sort((a, b) => b.distance - b.expected - (a.distance - a.expected))
      .map((each) => ({ column: nameOf(each.column), ...figures(each) })),
    worst_pairs: quality.pairs.map((each) => ({
      pair: `${nameOf(each.columns[0])}, ${nameOf(each.columns[1])}`,
      ...figures(each),
      'association here': three(each.here),
      'in the cohort': three(each.pooled),
    })),
    levels: gaps.map(({ column, code, rows, pooled, here, deviations }) => ({
      level: `${nameOf(column)}: ${levelName(columns[column]!, code)}`,
      'rows here': countRange(rows),
      'in the cohort': three(pooled),
      'here is': here > pooled ? 'more' : 'less',
      deviations: Math.round(deviations),
    })),
    tvd1: rounded(quality.tvd1),
    tvd2: rounded(quality.tvd2),
    own_rows: own === null ? null : { tvd1: rounded(own.tvd1), tvd2: rounded(own.tvd2) },
  }
}

const comparedText = ({ compared_with: rows, patients }: QualityReport): string => {
  const here = `${patients} ${rows === 'all rows' ? 'rows' : 'patients'}`
  if (rows === 'held-out patients')
    return `Compared with the patients of this hospital that no study trains on (${here}).`
  return (
    `Compared with ${rows} of this hospital (${here}): this study has no evaluation, so no patient was kept from its training, and the ` +
    'cohort may look a little better here than on new patients.'
  )
}

const ownText = ({ asked, tvd2, own_rows: own }: QualityReport): string => {
  const nearer = own !== null && own.tvd2.distance < tvd2.distance ? 'nearer' : 'no nearer'
  return `The rows of the cohort that name this hospital are ${nearer} to it than the whole ${asked === null ? 'pool' : 'cohort'}.`
}

/** `table` prints rows as people read them. */
export const qualityText = (report: QualityReport, table: (rows: readonly object[]) => string): string => {
  const { verdict, tvd1, tvd2, own_rows: own, columns, worst_pairs: pairs, levels } = report
  const line = (name: string, { distance, expected, most }: Compared) =>
    `${name}  ${distance.toFixed(4)}; another sample of this size ${expected.toFixed(4)}, at most ${most.toFixed(4)} of 19`
  return [
    `Study ${report.study}. Shown here alone: nothing of this is stored or sent. Real figures without noise: keep them here.`,
    comparedText(report),
    verdict,
    '',
    line('Distance of single columns (mean TVD)', tvd1),
    line('Distance of pairs of columns (mean TVD)', tvd2),
    ...(own === null ? [] : ['', ownText(report), line('Pairs, rows of the cohort that name this hospital', own.tvd2)]),
    '',
    'Columns, farthest beyond chance first',
    table(columns),
    '',
    'Pairs',
    table(pairs),
    '',
    levels.length === 0
      ? 'No level is farther than 3 standard deviations.'
      : `Levels that differ most\n${table(levels)}`,
  ].join('\n')
}
