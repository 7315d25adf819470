import { parseNumber } from '@tributary/shared/schema/numeric'
import { missingTexts, type PublicSchema, type SchemaColumn, type Source } from './public-schema.ts'
import { delimiterOf, fieldsOf, tableText } from './table-text.ts'

/** A schema read off the rows, and what people must know of it. For a benchmark alone: a study declares its levels and bins. */
export interface InferredSchema {
  readonly schema: PublicSchema
  readonly source: Source
  readonly patient: string | undefined
  readonly notes: readonly string[]
}

const mostLevels = 40
const bins = 16
/** Names of columns that tell patients or rows apart. */
const keyName =
  /^((patient|subject|person|record|case|seq|sample|row)[ _.-]?(id|no|number|nbr|key)?|id|seqno|ptid|mrn)$/i
const directName = /(first|last|full|sur)[ _.-]?name|^name$|e-?mail|phone|address/i

const isMissing = (text: string) => text === '' || missingTexts.includes(text)

/** Names of a file's columns; `c1`, `c2` and on where it has no header, as `.data` files. Throws where it is empty. */
export const sourceOfFile = (file: string): Source => {
  const line = tableText(file).split(/\r?\n/, 1)[0] ?? ''
  if (line.trim() === '') throw new Error(`${file}: its first line is empty`)
  const delimiter = delimiterOf(line)
  const fields = fieldsOf(line, delimiter) ?? []
  const header = !/\.data(\.gz)?$/.test(file)
  return { names: header ? fields : fields.map((_, i) => `c${i + 1}`), header, delimiter }
}

/** Of files of the same columns. `drop`: columns that are left out; `kept`: columns that must stay, whatever they look like. */
export const inferSchema = (
  files: readonly string[],
  options: {
    readonly patient?: string | undefined
    readonly drop?: readonly string[]
    readonly kept?: readonly string[]
  },
): InferredSchema => {
  const source = sourceOfFile(files[0]!)
  const { names } = source
  const { columns, rows } = columnTexts(files, source)
  const notes: string[] = []
  const skipped = (name: string, why: string): SchemaColumn => {
    notes.push(`column ${name} is left out: ${why}`)
    return { kind: 'skip' }
  }
  const { keys, repeated } = keysAmong(names, columns, rows)
  const patient = options.patient ?? repeated
  if (options.patient === undefined && patient !== undefined)
    notes.push(`column ${patient} tells patients apart: they are split by it (--patient COLUMN names another)`)
  const schema = Object.fromEntries(
    names.map((name, j): [string, SchemaColumn] => {
      const texts = columns[j]!
      if (name === patient || options.drop?.includes(name) === true) return [name, { kind: 'skip' }]
      const isKept = options.kept?.includes(name) === true
      if (!isKept && keys.includes(name)) return [name, skipped(name, 'by its name a key')]
      if (!isKept && directName.test(name)) return [name, skipped(name, 'by its name a direct identifier')]
      const present = texts.filter((text) => !isMissing(text))
      const distinct = new Set(present)
      if (distinct.size + (present.length < rows ? 1 : 0) < 2) return [name, skipped(name, 'it has one value')]
      const missing = present.length < rows ? { missing: true } : {}
      const numbers = isKept ? null : numbersOf(present, distinct)
      if (numbers !== null) return [name, { kind: 'num', ...missing, ...binsOf(numbers) }]
      if (!isKept && distinct.size > Math.max(100, 0.3 * rows))
        return [name, skipped(name, 'nearly every row has its own text')]
      return [name, { kind: 'cat', ...levelsOf(present), ...missing }]
    }),
  )
  return { schema, source, patient, notes }
}

/** Every field of every column of files that have the same. */
const columnTexts = (files: readonly string[], { names, header, delimiter }: Source) => {
  const columns: string[][] = names.map(() => [])
  let rows = 0
  for (const file of files)
    for (const [i, line] of tableText(file).split(/\r?\n/).entries()) {
      if (header && i === 0) continue
      const fields = fieldsOf(line, delimiter)
      if (fields?.length !== names.length)
        throw new Error(`${file}:${i + 1} has not the ${names.length} fields of its first line`)
      fields.forEach((field, j) => columns[j]!.push(field))
      rows++
    }
  return { columns, rows }
}

/** Columns that are keys by their names and have many values, and the first of them that tells patients of several rows apart. */
const keysAmong = (names: readonly string[], columns: readonly string[][], rows: number) => {
  const distinct = columns.map((texts, j) => (keyName.test(names[j]!) ? new Set(texts).size : 0))
  const keys = names.filter((_, j) => distinct[j]! > 0.02 * rows)
  return { keys, repeated: keys.find((name) => distinct[names.indexOf(name)]! < rows) }
}

/** The column outside a schema by which rows belong to patients; undefined where there is none. */
export const patientColumnOf = (files: readonly string[], source: Source, schema: PublicSchema): string | undefined => {
  const isModelled = (name: string) => schema[name] !== undefined && schema[name].kind !== 'skip'
  const others = source.names.filter((name) => keyName.test(name) && !isModelled(name))
  if (others.length === 0) return undefined
  const alike = files.filter((file) => {
    const line = tableText(file).split(/\r?\n/, 1)[0] ?? ''
    const fields = fieldsOf(line, source.delimiter)
    return (
      fields?.length === source.names.length && (!source.header || fields.every((name, j) => name === source.names[j]))
    )
  })
  const { columns, rows } = columnTexts(alike, source)
  const places = others.map((name) => source.names.indexOf(name))
  return keysAmong(
    others,
    places.map((j) => columns[j]!),
    rows,
  ).repeated
}

/** Null where fewer than 99 of 100 are numbers, or there are but two of them: codes. */
const numbersOf = (present: readonly string[], distinct: ReadonlySet<string>): number[] | null => {
  if (distinct.size <= 2) return null
  const numbers = present.flatMap((text) => parseNumber(text) ?? [])
  return numbers.length >= 0.99 * present.length ? numbers.sort((a, b) => a - b) : null
}

/** A bin a value where there are few, else runs of about equal mass. */
const binsOf = (sorted: readonly number[]): { starts: number[]; max: number } => {
  const values = [...new Set(sorted)]
  const starts =
    values.length <= bins
      ? values
      : [...new Set(Array.from({ length: bins }, (_, i) => sorted[Math.floor((i * sorted.length) / bins)]!))]
  return { starts, max: values.at(-1)! }
}

const levelsOf = (present: readonly string[]): { levels: string[]; other?: string } => {
  const counts = new Map<string, number>()
  for (const text of present) counts.set(text, (counts.get(text) ?? 0) + 1)
  const common = [...counts].sort((a, b) => b[1] - a[1]).map(([text]) => text)
  if (common.length <= mostLevels) return { levels: common.sort() }
  const other = 'any other'
  return { levels: [...common.slice(0, mostLevels).sort(), other], other }
}
