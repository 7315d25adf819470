import { inspect } from 'node:util'

/**
 * A batch of rows as text, straight from a hospital's table. Opaque at the walls: it prints its size and nothing else, and only
 * site-agent/records may read it.
 */
export class RawRows {
  readonly rows: number
  readonly #columns: readonly (readonly (string | null)[])[]

  constructor(rows: number, columns: readonly (readonly (string | null)[])[]) {
    this.rows = rows
    this.#columns = columns
  }

  /** Texts of the column asked for at `index`, `rows` of them; null is an empty field. */
  column(index: number): readonly (string | null)[] {
    return this.#columns[index]!
  }

  toJSON(): unknown {
    return { kind: 'RawRows', rows: this.rows, columns: this.#columns.length }
  }

  [inspect.custom](): string {
    return `RawRows(${this.rows} x ${this.#columns.length})`
  }
}
