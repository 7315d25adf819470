import { levelName, sizeOfColumn } from '@tributary/shared/schema/column'
import type { StudyDraft } from '@tributary/shared/study/manifest'
import { type Layout, layoutOf } from '@tributary/shared/synthesizers/cells'
import { type MeasuredCodes, measuredCodes } from './measured-codes.ts'

/** What a classifier foretells from all other columns. */
export interface Target {
  /** `readmitted=<30`. */
  readonly name: string
  readonly column: number
  readonly positive: ReadonlySet<number>
}

/** What tables are measured by: the study's public facts, in measured codes. */
export interface MeasuredStudy {
  readonly layout: Layout
  readonly names: readonly string[]
  /** By column: whether its codes have an order. */
  readonly ordered: readonly boolean[]
  readonly targets: readonly Target[]
  /** Columns whose levels are sub-populations. */
  readonly groups: readonly number[]
  readonly levelNames: (column: number, code: number) => string
}

/** Columns that are taken for sub-populations where none is named. */
const groupNames = /^(sex|gender|race|ethnicity|age|age_?(group|band|class))$/i

/** A group column has at most so many levels: more are no sub-populations. */
const mostGroups = 20

/**
 * `targets`: texts `column=level` or `column=level|level`, or `column!=level`. `groups`: names of columns; undefined: those that are
 * called sex, gender, race, ethnicity or age. `cells`: all real rows, the study's codes. Throws for a column or level that the study
 * does not have.
 */
export const measuredStudy = (
  { columns }: Pick<StudyDraft, 'columns'>,
  targets: readonly string[],
  groups: readonly string[] | undefined,
  cells: Uint16Array,
): MeasuredStudy & { readonly codes: MeasuredCodes } => {
  const names = columns.map(({ name }) => name)
  const placeOf = (name: string) => {
    const at = names.indexOf(name)
    if (at < 0) throw new Error(`the study has no column ${name}: ${names.join(', ')}`)
    return at
  }
  const sizes = columns.map(sizeOfColumn)
  const isSmall = (_: string, j: number) => sizes[j]! <= mostGroups
  const aims = targets.map((text) => targetOf(columns, text, placeOf))
  const parts = (groups ?? names.filter((name, j) => groupNames.test(name) && isSmall(name, j))).map(placeOf)
  const codes = measuredCodes(columns, cells, new Set([...parts, ...aims.map(({ column }) => column)]))
  return {
    codes,
    layout: layoutOf(codes.sizes),
    names,
    ordered: columns.map((column) => column.kind !== 'categorical' || column.ordered),
    targets: aims,
    groups: parts,
    levelNames: (column, code) =>
      codes.codeOf[column] === null ? levelName(columns[column]!, code) : `${names[column]} ${code}`,
  }
}

const targetOf = (columns: StudyDraft['columns'], text: string, placeOf: (name: string) => number): Target => {
  const [, name = '', sign, wanted = ''] = /^(.+?)(!?=)(.*)$/.exec(text) ?? []
  if (sign === undefined) throw new Error(`--target ${text}: column=level, column=level|level or column!=level`)
  const column = placeOf(name)
  const spec = columns[column]!
  const levels = Array.from({ length: sizeOfColumn(spec) }, (_, code) => levelName(spec, code))
  const codes = wanted.split('|').map((level) => {
    const code = levels.indexOf(level)
    if (code < 0) throw new Error(`column ${name} has no level ${level}: ${levels.join(', ')}`)
    return code
  })
  const positive = sign === '=' ? codes : [...levels.keys()].filter((code) => !codes.includes(code))
  return { name: text, column, positive: new Set(positive) }
}
