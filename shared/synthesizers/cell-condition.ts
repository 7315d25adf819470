/**
 * A column cut finer than its levels: cell c is `share[c]` of level `parent[c]`, the shares of a level adding up to 1. The
 * model knows levels only; cells say where inside a level a row lies.
 */
export interface ColumnCells {
  readonly parent: Uint16Array
  readonly share: Float64Array
}

/** A condition over cells: column `column` holds a cell c with `allowed[c]` = 1. There is no `not`: it is in the leaves. */
export type CellCondition =
  | { readonly column: number; readonly allowed: Uint8Array }
  | { readonly all: readonly CellCondition[] }
  | { readonly any: readonly CellCondition[] }
