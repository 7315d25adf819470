import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Endings of what is read as a table. */
export const tableEnding = /\.(csv|tsv|data|arff)(\.gz)?$/

/** A table's text, gzipped or not; an ARFF file (Weka) as the CSV with a header that it is. Throws where there is none. */
export const tableText = (path: string): string => {
  if (!existsSync(path)) throw new Error(`NOT RUN: ${path} is missing (see SOURCE.txt in its folder)`)
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trimEnd()
  return /\.arff(\.gz)?$/.test(path) ? csvOfArff(text) : text
}

const csvOfArff = (text: string): string => {
  const lines = text.split(/\r?\n/)
  const names = lines.flatMap((line) => {
    const [, quoted, plain] = /^@attribute\s+(?:'([^']+)'|"?([^\s"]+)"?)/i.exec(line) ?? []
    const name = quoted ?? plain
    return name === undefined ? [] : [name.trim()]
  })
  const start = lines.findIndex((line) => /^@data\s*$/i.test(line.trim())) + 1
  const rows = lines.slice(start).filter((line) => line.trim() !== '' && !line.startsWith('%'))
  const trimmed = rows.map((line) => line.split(',').map((field) => field.trim()))
  return [names, ...trimmed].map((fields) => fields.join(',')).join('\n')
}

/** What parts the fields of a file: the one of tab, semicolon and comma that its first line has most of. */
export const delimiterOf = (line: string): string => {
  const counts = ['\t', ';', ','].map((delimiter) => ({ delimiter, count: line.split(delimiter).length }))
  return counts.reduce((best, each) => (each.count >= best.count ? each : best)).delimiter
}

/** Fields of a line, quotes taken off; null for a quote out of place. No field holds a line break. */
export const fieldsOf = (line: string, delimiter: string): string[] | null => {
  if (!line.includes('"')) return line.split(delimiter)
  const fields: string[] = []
  for (let at = 0; at <= line.length; ) {
    if (line[at] !== '"') {
      const end = line.indexOf(delimiter, at)
      fields.push(end < 0 ? line.slice(at) : line.slice(at, end))
      at = end < 0 ? line.length + 1 : end + 1
      continue
    }
    const [quoted, inside = ''] = /^"((?:[^"]|"")*)"/.exec(line.slice(at)) ?? []
    if (quoted === undefined) return null
    fields.push(inside.replaceAll('""', '"'))
    at += quoted.length
    if (at < line.length && line[at] !== delimiter) return null
    at++
  }
  return fields
}
