import { type Document, isMap, isNode, isPair, isSeq, LineCounter, type Pair, parseDocument } from 'yaml'
import type { Place } from '../errors.ts'
import { type Finding, invalid, pathText, type StudyPath } from './finding.ts'

/** A YAML text with the way back from a path to its line. */
export interface PlacedYaml {
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** The line (from 1) of the deepest part of `path` that the text has. */
  place(path: StudyPath): Place
}

/** Reads YAML 1.2 without aliases or custom tags; syntax errors come back as findings, with their line. Cost O(text). */
export const parseYaml = (text: string, file: string): PlacedYaml => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const lineAt = (offset: number) => lines.linePos(offset).line
  const findings: Finding[] = document.errors.map((error) => ({
    ...invalid([], `not YAML: ${error.message}`),
    line: lineAt(error.pos[0]),
  }))
  return {
    value: findings.length === 0 ? valueOf(document, findings) : undefined,
    findings,
    place: (path) => {
      const offset = offsetOf(document, path)
      return { file, field: pathText(path), ...(offset === undefined ? {} : { line: lineAt(offset) }) }
    },
  }
}

const valueOf = (document: Document, findings: Finding[]): unknown => {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    findings.push(invalid([], 'aliases have no place in a study'))
    return undefined
  }
}

const offsetOf = (document: Document, path: StudyPath): number | undefined => {
  let node: unknown = document.contents
  let offset = isNode(node) ? node.range?.[0] : undefined
  for (const part of path) {
    let next: unknown
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyOf(item) === String(part))
      if (!pair) break
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset
      next = pair.value
    } else if (isSeq(node)) {
      next = node.items[Number(part)]
      if (isNode(next)) offset = next.range?.[0] ?? offset
    }
    if (next === undefined) break
    node = next
  }
  return offset
}

const keyOf = (pair: Pair): string => String(isNode(pair.key) ? pair.key.toJSON() : pair.key)
