import { calendarStarts, parseDate } from '../schema/calendar.ts'
import { gridBins, gridFault } from '../schema/value-grid.ts'
import type { ColumnFile, ColumnSpec } from './column-schema.ts'
import { type Finding, invalid, type StudyPath } from './finding.ts'

/** Most cells of one column: a code takes two bytes. */
export const mostColumnCells = 65_535

type FileOf<Kind extends ColumnFile['kind']> = Extract<ColumnFile, { kind: Kind }>
type Resolved = ColumnSpec | Finding

/**
 * What a manifest holds of the columns of a study file: grids and dates as bins, a site column with the sites' names as its
 * levels. Level files have been read before. A finding for each column that says too little or too much. O(cells).
 */
export const resolveColumns = (
  columns: readonly ColumnFile[],
  sites: readonly { name: string }[],
): { columns: ColumnSpec[]; findings: Finding[] } => {
  const resolved = columns.map((column, i) => resolve(column, ['columns', i], sites))
  return {
    columns: resolved.filter((item): item is ColumnSpec => 'kind' in item),
    findings: resolved.filter((item): item is Finding => 'code' in item),
  }
}

const resolve = (column: ColumnFile, path: StudyPath, sites: readonly { name: string }[]): Resolved => {
  switch (column.kind) {
    case 'categorical':
      return listed(column, path)
    case 'numeric':
      return binned(column, path)
    case 'date':
      return dated(column, path)
    case 'site':
      return {
        name: column.name,
        kind: 'categorical',
        levels: sites.map(({ name }) => name),
        ordered: false,
        numeric_text: false,
        missing: 'refuse',
        other: 'refuse',
        filled_with: 'site',
      }
  }
}

const listed = ({ levels_file: file, levels, ...rest }: FileOf<'categorical'>, path: StudyPath): Resolved => {
  if (levels === undefined) return invalid([...path, 'levels'], 'missing: name levels or a levels_file')
  if (file !== undefined) return invalid([...path, 'levels_file'], 'levels are named already')
  return { ...rest, levels }
}

const binned = ({ grid, bins, maximum, ...rest }: FileOf<'numeric'>, path: StudyPath): Resolved => {
  if (grid === undefined) {
    if (bins === undefined) return invalid([...path, 'bins'], 'missing: name bins and maximum, or a grid')
    if (maximum === undefined) return invalid([...path, 'maximum'], 'missing: bins need the largest value')
    return { ...rest, bins, maximum }
  }
  if (bins !== undefined) return invalid([...path, 'bins'], 'not beside a grid')
  if (maximum !== undefined) return invalid([...path, 'maximum'], 'not beside a grid: its to is the largest value')
  const decimals = rest.integer ? 0 : rest.decimals
  const fault = gridFault(grid, decimals)
  if (fault !== undefined) return invalid([...path, 'grid'], fault)
  const made = gridBins(grid, decimals)
  return { ...rest, ...(rest.integer ? {} : { decimals: made.decimals }), bins: made.bins, maximum: made.maximum }
}

const dated = ({ from, to, ...rest }: FileOf<'date'>, path: StudyPath): Resolved => {
  const [first, last] = [parseDate(from), parseDate(to)]
  if (first === undefined) return invalid([...path, 'from'], 'must be a date from the year 1000 on')
  if (last === undefined) return invalid([...path, 'to'], 'must be a date from the year 1000 on')
  if (last < first) return invalid([...path, 'to'], 'before from')
  const bins = calendarStarts(first, last, rest.every, mostColumnCells)
  return bins.length > mostColumnCells
    ? invalid([...path, 'every'], `more than ${mostColumnCells} bins: choose longer ones`)
    : { ...rest, bins, maximum: last }
}
