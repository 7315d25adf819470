import { levelKey } from '../schema/categorical.ts'
import { sizeOfColumn } from '../schema/column.ts'
import { parseNumber } from '../schema/numeric.ts'
import { type Finding, invalid, type StudyPath } from './finding.ts'
import type { CategoricalSpec, NumericSpec, StudyDraft } from './study-schema.ts'

/** Levels and bins of all columns together: the network's weights grow with their square, and a site reads foreign manifests. */
const mostCells = 20_000

/** Whatever must hold between a study's own facts, apart from privacy: each finding names the line to change. O(levels). */
export const checkFacts = (draft: StudyDraft): Finding[] => [
  ...checkSource(draft),
  ...repeated(draft.columns, (column) => column.name, ['columns'], 'name'),
  ...draft.columns.flatMap((column, i) => {
    const path = ['columns', i]
    return column.kind === 'categorical' ? checkLevels(column, draft.source.missing, path) : checkBins(column, path)
  }),
  ...checkUnit(draft),
  ...checkEvaluation(draft),
  ...checkSchedule(draft),
  ...(draft.columns.reduce((cells, column) => cells + sizeOfColumn(column), 0) > mostCells
    ? [invalid(['columns'], `more than ${mostCells} levels and bins in all`)]
    : []),
  ...repeated(draft.sites, (site) => site.name, ['sites'], 'name'),
  ...draft.sites.flatMap((site, i) =>
    site.promised_rows < site.promised_patients
      ? [invalid(['sites', i, 'promised_rows'], 'fewer rows than patients')]
      : [],
  ),
]

/** A site that sends less often than it is waited for would be charged for attempts that always come too late. */
const checkSchedule = ({ deadlines }: StudyDraft): Finding[] =>
  2 * deadlines.send_every_milliseconds > 1_000 * deadlines.contribute_seconds
    ? [invalid(['deadlines', 'send_every_milliseconds'], 'at most half of contribute_seconds')]
    : []

const checkSource = ({ source, columns, privacy }: StudyDraft): Finding[] => {
  const found: Finding[] = []
  if (['"', '\n', '\r'].includes(source.delimiter))
    found.push(invalid(['source', 'delimiter'], 'cannot be a delimiter'))
  if (!source.columns) {
    if (!source.header) found.push(invalid(['source', 'columns'], 'required when header is false'))
    return found
  }
  const names = new Set(source.columns)
  found.push(...repeated(source.columns, (name) => name, ['source', 'columns']))
  columns.forEach((column, i) => {
    if (!names.has(column.name)) found.push(invalid(['columns', i, 'name'], 'not among source.columns'))
  })
  if (privacy.patient_key !== undefined && !names.has(privacy.patient_key))
    found.push(invalid(['privacy', 'patient_key'], 'not among source.columns'))
  return found
}

const checkLevels = (column: CategoricalSpec, missing: readonly string[], path: StudyPath): Finding[] => {
  const keys = column.levels.map((level) => levelKey(column, level))
  const found = repeated(keys, (key) => key, [...path, 'levels'])
  column.levels.forEach((level, i) => {
    const at = [...path, 'levels', i]
    if (missing.includes(level)) found.push(invalid(at, 'also stands for missing in source.missing'))
    if (column.numeric_text && parseNumber(level) === undefined) found.push(invalid(at, 'numeric_text needs a number'))
  })
  if (column.other !== 'refuse' && !keys.includes(levelKey(column, column.other)))
    found.push(invalid([...path, 'other'], 'must be refuse or one of the levels'))
  return found
}

const checkBins = ({ bins, maximum, integer }: NumericSpec, path: StudyPath): Finding[] => {
  const found: Finding[] = []
  bins.forEach((start, i) => {
    const at = [...path, 'bins', i]
    if (i > 0 && start <= bins[i - 1]!) found.push(invalid(at, 'bins must ascend'))
    if (integer && !Number.isInteger(start)) found.push(invalid(at, 'an integer column needs whole bin starts'))
  })
  if (maximum < (bins.at(-1) ?? maximum)) found.push(invalid([...path, 'maximum'], 'below the start of the last bin'))
  if (integer && !Number.isInteger(maximum))
    found.push(invalid([...path, 'maximum'], 'an integer column needs a whole maximum'))
  return found
}

const checkUnit = ({ privacy, columns }: StudyDraft): Finding[] => {
  const found: Finding[] = []
  const { unit, patient_key: key, most_rows_per_patient: most } = privacy
  if (unit === 'patient' && key === undefined)
    found.push(invalid(['privacy', 'patient_key'], 'required for unit patient'))
  if (unit === 'patient' && most !== undefined)
    found.push(
      invalid(['privacy', 'most_rows_per_patient'], 'only for unit row: unit patient covers any number of rows'),
    )
  if (unit === 'row' && most === undefined)
    found.push(
      invalid(['privacy', 'most_rows_per_patient'], 'required for unit row: the patient ledger is charged for it'),
    )
  if (unit === 'row' && key === undefined && (most ?? 1) > 1)
    found.push(invalid(['privacy', 'patient_key'], 'required when a patient may have more than one row'))
  columns.forEach((column, i) => {
    if (column.name === key) found.push(invalid(['columns', i, 'name'], 'the patient key cannot be modelled'))
  })
  return found
}

const checkEvaluation = ({ evaluation, columns, privacy }: StudyDraft): Finding[] => {
  if (evaluation === undefined) return []
  const found: Finding[] = []
  const refuse = (path: StudyPath, why: string) => found.push(invalid(['evaluation', ...path], why))
  // A holdout is permanent for a patient: rows that name nobody cannot be held out.
  if (privacy.unit !== 'patient') refuse([], 'needs a patient_key and unit patient: patients are held out, not rows')
  const column = columns.find(({ name }) => name === evaluation.outcome)
  if (column?.kind !== 'categorical') {
    refuse(['outcome'], column === undefined ? 'not among the columns' : 'must be a categorical column')
    return found
  }
  const levels = column.levels.map((level) => levelKey(column, level))
  const positive = evaluation.positive.map((level) => levelKey(column, level))
  positive.forEach((level, i) => {
    if (!levels.includes(level)) refuse(['positive', i], `not a level of ${column.name}`)
  })
  found.push(...repeated(positive, (level) => level, ['evaluation', 'positive']))
  if (new Set(positive).size === sizeOfColumn(column)) refuse(['positive'], 'leaves no level that is negative')
  if (columns.length < 2) refuse(['outcome'], 'there is no other column to predict it from')
  return found
}

const repeated = <T>(items: readonly T[], keyOf: (item: T) => string, path: StudyPath, field?: string): Finding[] => {
  const seen = new Set<string>()
  return items.flatMap((item, i) => {
    const key = keyOf(item)
    const at = field === undefined ? [...path, i] : [...path, i, field]
    if (seen.has(key)) return [invalid(at, 'named twice')]
    seen.add(key)
    return []
  })
}
