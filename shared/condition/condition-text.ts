import type { Bounds, Condition } from './condition-tree.ts'
import { asWritten } from './condition-words.ts'

/** The normal form of a condition: one text for a tree, which `parseCondition` reads back to the same tree. */
export const conditionText = (condition: Condition): string => {
  if ('all' in condition) return condition.all.map(part).join(' AND ')
  if ('any' in condition) return condition.any.map(part).join(' OR ')
  if ('not' in condition) {
    const { not } = condition
    return 'missing' in not ? `${asWritten(not.column)} IS NOT MISSING` : `NOT ${part(not)}`
  }
  const column = asWritten(condition.column)
  if ('is' in condition) return `${column} = ${value(condition.is)}`
  if ('in' in condition) return `${column} IN (${condition.in.map(value).join(', ')})`
  if ('missing' in condition) return `${column} IS MISSING`
  return boundsText(column, condition)
}

const part = (condition: Condition): string =>
  'all' in condition || 'any' in condition ? `(${conditionText(condition)})` : conditionText(condition)

const value = (item: string | number): string => (typeof item === 'number' ? String(item) : asWritten(item))

const boundsText = (column: string, bounds: Bounds): string => {
  const { at_least, above, at_most, below } = bounds
  if (at_least !== undefined && at_most !== undefined)
    return `${column} BETWEEN ${value(at_least)} AND ${value(at_most)}`
  const low = at_least !== undefined ? `${value(at_least)} <=` : above !== undefined ? `${value(above)} <` : ''
  const high = at_most !== undefined ? `<= ${value(at_most)}` : below !== undefined ? `< ${value(below)}` : ''
  if (low !== '' && high !== '') return `${low} ${column} ${high}`
  if (high !== '') return `${column} ${high}`
  return at_least !== undefined ? `${column} >= ${value(at_least)}` : `${column} > ${value(above ?? 0)}`
}
