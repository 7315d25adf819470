import { isMap, isScalar, parseDocument, stringify } from 'yaml'
import type { Plan } from './study-schema.ts'

/** The study file with its plan block filled in or replaced; everything else, comments too, stays byte for byte. */
export const withPlan = (text: string, plan: Plan): string => {
  const document = parseDocument(text, { keepSourceTokens: false })
  const root = document.contents
  if (!isMap(root) || root.flow) {
    document.set('plan', document.createNode(plan))
    return document.toString({ lineWidth: 0, flowCollectionPadding: false })
  }
  const block = stringify({ plan }, { lineWidth: 0 })
  const index = root.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === 'plan')
  if (index < 0) return `${text.replace(/\s*$/, '\n')}\n${block}`
  const key = root.items[index]?.key
  const start = isScalar(key) ? (key.range?.[0] ?? text.length) : text.length
  const lines = text.slice(start).split('\n')
  // The block ends before the first line at the margin; blank lines in between belong to what follows.
  let end = lines.findIndex((line, i) => i > 0 && /^[^\s]/.test(line))
  if (end < 0) return text.slice(0, start) + block
  while (lines[end - 1]?.trim() === '') end--
  return text.slice(0, start) + block + lines.slice(end).join('\n')
}
