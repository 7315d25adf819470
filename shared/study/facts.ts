import { checkConstraints } from '../constraint/check-constraints.ts'
import { levelKey } from '../schema/categorical.ts'
import { sizeOfColumn } from '../schema/column.ts'
import { decimalsOf, decimalsOfColumn, isWhole, parseNumber } from '../schema/numeric.ts'
import { type Finding, invalid, type StudyPath } from './finding.ts'
import type { BinnedSpec, CategoricalSpec, ColumnSpec, StudyDraft } from './study-schema.ts'

/**
 * Levels and bins of all columns together: a site reads foreign manifests, and its counts, what it is shown of them and what it
 * sends of them grow with it (some 10 bytes a cell). Families model groups of levels; their weights do not grow with it.
 */
const mostCells = 131_072

/** Whatever must hold between a study's own facts, apart from privacy: each finding names the line to change. O(levels). */
export const checkFacts = (draft: StudyDraft): Finding[] => {
  const found = checkTable(draft)
  // Constraints speak of columns that are sound.
  return found.length > 0 ? found : checkConstraints(draft)
}

const checkTable = (draft: StudyDraft): Finding[] => [
  ...checkSource(draft),
  ...repeated(draft.columns, (column) => column.name, ['columns'], 'name'),
  ...draft.columns.flatMap((column, i) => {
    const path = ['columns', i]
    return column.kind === 'categorical' ? checkLevels(column, draft.source.missing, path) : checkBins(column, path)
  }),
  ...checkSiteColumns(draft),
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
    if (isFilled(column)) {
      if (names.has(column.name))
        found.push(invalid(['columns', i, 'name'], 'among source.columns, yet no table holds it'))
    } else if (!names.has(column.name)) found.push(invalid(['columns', i, 'name'], 'not among source.columns'))
  })
  if (privacy.patient_key !== undefined && !names.has(privacy.patient_key))
    found.push(invalid(['privacy', 'patient_key'], 'not among source.columns'))
  return found
}

const isFilled = (column: ColumnSpec): boolean => column.kind === 'categorical' && column.filled_with !== undefined

/** A hospital's rows may only get a name that everybody knows: the sites', in their order. */
const checkSiteColumns = ({ columns, sites }: StudyDraft): Finding[] => {
  const names = JSON.stringify(sites.map(({ name }) => name))
  const found: Finding[] = []
  let filled = 0
  columns.forEach((column, i) => {
    if (column.kind !== 'categorical' || column.filled_with === undefined) return
    if (JSON.stringify(column.levels) !== names)
      found.push(invalid(['columns', i, 'levels'], "must be the sites' names, in their order"))
    if (column.missing !== 'refuse' || column.other !== 'refuse' || column.numeric_text)
      found.push(invalid(['columns', i], 'a site column has no missing, other or numeric_text'))
    if (filled++ > 0) found.push(invalid(['columns', i, 'name'], 'a second site column'))
  })
  if (filled === columns.length) found.push(invalid(['columns'], 'no column that a table holds'))
  return found
}

const checkLevels = (column: CategoricalSpec, missing: readonly string[], path: StudyPath): Finding[] => {
  const keys = column.levels.map((level) => levelKey(column, level))
  const found = repeated(keys, (key) => key, [...path, 'levels'])
  const absent = new Set(missing)
  column.levels.forEach((level, i) => {
    const at = [...path, 'levels', i]
    if (absent.has(level)) found.push(invalid(at, 'also stands for missing in source.missing'))
    if (column.numeric_text && parseNumber(level) === undefined) found.push(invalid(at, 'numeric_text needs a number'))
  })
  if (column.other !== 'refuse' && !keys.includes(levelKey(column, column.other)))
    found.push(invalid([...path, 'other'], 'must be refuse or one of the levels'))
  column.hierarchy?.prefixes.forEach((length, i, lengths) => {
    if (i > 0 && length <= lengths[i - 1]!)
      found.push(invalid([...path, 'hierarchy', 'prefixes', i], 'prefixes must ascend'))
  })
  return found
}

/** First and last day that a date column may have: 1000-01-01 and 9999-12-31, in days since 1970-01-01. */
const [firstDay, lastDay] = [-354_285, 2_932_896]

const checkBins = (column: BinnedSpec, path: StudyPath): Finding[] => {
  const { bins, maximum } = column
  const whole = isWhole(column)
  const found: Finding[] = []
  bins.forEach((start, i) => {
    const at = [...path, 'bins', i]
    if (i > 0 && start <= bins[i - 1]!) found.push(invalid(at, 'bins must ascend'))
    if (whole && !Number.isInteger(start)) found.push(invalid(at, 'an integer column needs whole bin starts'))
  })
  if (maximum < (bins.at(-1) ?? maximum)) found.push(invalid([...path, 'maximum'], 'below the start of the last bin'))
  if (whole && !Number.isInteger(maximum))
    found.push(invalid([...path, 'maximum'], 'an integer column needs a whole maximum'))
  const ends = [bins[0] ?? maximum, maximum]
  if (column.kind === 'date') {
    if (ends.some((day) => day < firstDay || day > lastDay)) found.push(invalid(path, 'dates from 1000 to 9999'))
    return found
  }
  const { decimals } = column
  if (decimals !== undefined) {
    if (column.integer && decimals > 0) found.push(invalid([...path, 'decimals'], 'an integer column has none'))
    bins.forEach((start, i) => {
      if (decimalsOf(start) > decimals) found.push(invalid([...path, 'bins', i], `more than ${decimals} decimals`))
    })
    if (decimalsOf(maximum) > decimals) found.push(invalid([...path, 'maximum'], `more than ${decimals} decimals`))
  }
  // Values are drawn as whole ticks, which doubles hold exactly up to here.
  if (ends.some((end) => Math.abs(end) * 10 ** decimalsOfColumn(column) > Number.MAX_SAFE_INTEGER))
    found.push(invalid([...path, 'maximum'], 'too large for so many decimals'))
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
