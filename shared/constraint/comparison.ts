import type { Comparator } from '../condition/condition-grammar.ts'

export const compares = (comparator: Comparator, left: number, right: number): boolean => {
  switch (comparator) {
    case '=':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}

/** What NOT makes of it. */
export const denied: Record<Comparator, Comparator> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
}
