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
  const start = rangeOf(root.items[index]?.key)?.[0] ?? text.length
  // The block ends where the next key's line (and the comments above it) begins; there is none after a trailing plan.
  const following = rangeOf(root.items[index]?.value)?.[1] ?? text.length
  const rest = text.slice(following).replace(/^[^\n]*\n?/, '')
  return `${text.slice(0, start)}${block}${rest}`
}

const rangeOf = (node: unknown): readonly number[] | undefined =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range) ? node.range : undefined
