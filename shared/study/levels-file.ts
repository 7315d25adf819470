import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Finding, invalid, type StudyPath } from './finding.ts'

/** The text of a level file by its name in the study; undefined where there is none that may be read. */
export type LevelsReader = (name: string) => string | undefined

/** A study whose text alone is at hand has no files beside it. */
export const noLevelsFiles: LevelsReader = () => undefined

const mostBytes = 16 * 2 ** 20

/** Level files in the study file's folder or below it, nowhere else: what is read goes into the manifest, for everybody to see. */
export const levelsBeside =
  (studyFile: string): LevelsReader =>
  (name) => {
    if (!/^[^/\\:]+(\/[^/\\:]+)*$/.test(name) || name.split('/').includes('..')) return undefined
    try {
      const path = join(dirname(studyFile), name)
      return statSync(path).size <= mostBytes ? readFileSync(path, 'utf8') : undefined
    } catch {
      return undefined
    }
  }

/** A study file's value with the levels of its level files in their place; what cannot be read becomes a finding. */
export const withLevels = (value: unknown, read: LevelsReader): { value: unknown; findings: Finding[] } => {
  const findings: Finding[] = []
  if (!isRecord(value) || !Array.isArray(value.columns)) return { value, findings }
  const columns = value.columns.map((column: unknown, i) => {
    if (!isRecord(column) || typeof column.levels_file !== 'string' || column.levels !== undefined) return column
    const { levels_file: name, ...rest } = column
    const path = ['columns', i, 'levels_file']
    const text = read(name)
    if (text === undefined) {
      findings.push(invalid(path, `no readable file ${name} beside the study, of at most 16 MiB`))
      return column
    }
    const levels = name.endsWith('.csv') ? firstFields(text).slice(1) : plainLines(text)
    findings.push(...checkLevels(levels, name, path))
    return { ...rest, levels: levels.map(({ text }) => text) }
  })
  return { value: { ...value, columns }, findings }
}

interface Line {
  readonly text: string
  readonly line: number
}

const plainLines = (text: string): Line[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, i) => ({ text: text.trim(), line: i + 1 }))
    .filter(({ text }) => text !== '')

/** The first field of each record of a CSV text (RFC 4180), with the line that it begins on; empty ones are left out. */
const firstFields = (text: string): Line[] => {
  const record = /("(?:[^"]|"")*"|[^",\r\n]*)(?:[^"\r\n]|"(?:[^"]|"")*")*(?:\r?\n|$)/y
  const body = text.replace(/^\uFEFF/, '')
  const fields: Line[] = []
  let line = 1
  while (record.lastIndex < body.length) {
    const match = record.exec(body)
    if (match === null) break
    const [whole, first = ''] = match
    const field = first.startsWith('"') ? first.slice(1, -1).replaceAll('""', '"') : first.trim()
    if (field !== '') fields.push({ text: field, line })
    line += whole.split('\n').length - 1
  }
  return fields
}

const checkLevels = (levels: readonly Line[], name: string, path: StudyPath): Finding[] => {
  if (levels.length === 0) return [invalid(path, `${name} names no level`)]
  const seen = new Set<string>()
  for (const { text, line } of levels) {
    if (text.length > 200) return [invalid(path, `${name} line ${line}: longer than 200 characters`)]
    if (seen.has(text)) return [invalid(path, `${name} line ${line}: named twice`)]
    seen.add(text)
  }
  return []
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
