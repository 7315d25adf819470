import { readFileSync } from 'node:fs'
import type { StudyText } from './study-text.ts'
import { delimiterOf, fieldsOf, tableText } from './table-text.ts'

/** One column of a public schema, as diabetes5/public-schema.json has it; `skip` is in the file and not modelled. */
export type SchemaColumn =
  | {
      readonly kind: 'cat'
      readonly levels: readonly string[]
      readonly ordinal?: boolean
      readonly missing?: boolean
      /** The level that any other text counts as. */
      readonly other?: string
    }
  | { readonly kind: 'num'; readonly starts: readonly number[]; readonly max: number; readonly missing?: boolean }
  | { readonly kind: 'skip' }

/** By column, in the order of a file without a header. */
export type PublicSchema = Readonly<Record<string, SchemaColumn>>

export const missingTexts = ['NA', 'NaN', 'nan', 'null', '?', '.']

/** How a table writes its rows. */
export interface Source {
  readonly names: readonly string[]
  readonly header: boolean
  readonly delimiter: string
}

const isSchema = (value: unknown): value is PublicSchema =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((column) => typeof column === 'object' && column !== null && 'kind' in column)

/** Throws with the column that is none. */
export const readSchema = (file: string): PublicSchema => {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`--schema ${file} is no readable JSON (${(error as Error).message})`)
  }
  if (!isSchema(value)) throw new Error(`--schema ${file}: an object of columns, each with its kind: cat, num or skip`)
  for (const [name, column] of Object.entries(value)) {
    const fits =
      column.kind === 'skip' ||
      (column.kind === 'cat' && Array.isArray(column.levels)) ||
      (column.kind === 'num' && Array.isArray(column.starts) && typeof column.max === 'number')
    if (!fits)
      throw new Error(`--schema ${file}: column ${name} is no "cat" with levels, "num" with starts and max, or "skip"`)
  }
  return value
}

/** By a file's first line: a header where every name of the schema that is to be modelled stands in it. */
export const sourceOf = (file: string, schema: PublicSchema): Source => {
  const line = tableText(file).split(/\r?\n/, 1)[0] ?? ''
  const delimiter = delimiterOf(line)
  const fields = fieldsOf(line, delimiter) ?? []
  const wanted = Object.keys(schema).filter((name) => schema[name]?.kind !== 'skip')
  const header = wanted.every((name) => fields.includes(name))
  return { names: header ? fields : Object.keys(schema), header, delimiter }
}

/** A study of three nominal hospitals over a public schema: names and promises are replaced by a run's terms. */
export const studyOfSchema = (
  name: string,
  schema: PublicSchema,
  source: Source,
  patient: string | undefined,
): StudyText => {
  const columns = Object.entries(schema).flatMap(([column, spec]): StudyText[] => {
    if (spec.kind === 'skip' || column === patient) return []
    const common = { name: column, ...(spec.missing === true ? { missing: 'level' } : {}) }
    if (spec.kind === 'num')
      return [{ ...common, kind: 'numeric', bins: spec.starts, maximum: spec.max, outside: 'clamp' }]
    const { levels, ordinal = false, other } = spec
    return [{ ...common, kind: 'categorical', levels, ordered: ordinal, ...(other === undefined ? {} : { other }) }]
  })
  const used = new Set(Object.values(schema).flatMap((column) => (column.kind === 'cat' ? column.levels : [])))
  return {
    tributary: 'study/1',
    name:
      name
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]/g, '-')
        .replace(/^-+/, '')
        .slice(0, 63) || 'bench',
    purpose: 'A benchmark of synthesizers.',
    source: {
      format: 'csv',
      header: source.header,
      delimiter: source.delimiter,
      // A text that a column lists is a level there, and so is missing nowhere.
      missing: missingTexts.filter((text) => !used.has(text)),
      ...(source.header ? {} : { columns: source.names }),
    },
    columns,
    privacy: {
      unit: 'row',
      most_rows_per_patient: 1,
      epsilon: 1,
      delta: 1e-5,
      ...(patient === undefined ? {} : { patient_key: patient }),
    },
    family: { name: 'autoregressive' },
    sites: ['site-1', 'site-2', 'site-3'].map((site) => ({ name: site, promised_patients: 1000, promised_rows: 1000 })),
    federation: { least_contributors: 3, colluders: 0, noise_shares: 3 },
  }
}
