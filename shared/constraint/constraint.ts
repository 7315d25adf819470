import type { Comparator } from '../condition/condition-grammar.ts'
import type { Tree } from '../condition/condition-tree.ts'

/** Column against column, in every row. */
export interface ColumnComparison {
  readonly column: string
  readonly comparator: Comparator
  readonly other: string
}

/** A condition's tree with comparisons of columns among its leaves. */
export type Rule = Tree<ColumnComparison>

/**
 * A rule that every released row keeps. It is broken where it is false, not where it cannot be told, as SQL's CHECK has it
 * (ISO/IEC 9075-2): a comparison with a missing value is unknown, and `IS MISSING` alone is true or false of it (Kleene 1938).
 */
export interface Constraint {
  /** As the study writes it. */
  readonly text: string
  readonly rule: Rule
}
