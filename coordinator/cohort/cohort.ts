import { type Column, columnsOf, decodeCell } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { ReleasedModel } from '@tributary/shared/synthesizers/autoregressive/apply'
import { sampleCells } from '@tributary/shared/synthesizers/autoregressive/sample'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { Engine } from '@tributary/shared/tensor/engine'

/** Which stream of the seed places numbers inside their bins; the sampler uses others. */
const withinBins = 3

/** Fields that hold the delimiter, a quote or a line break are quoted (RFC 4180). */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const line = (
  columns: readonly Column[],
  cells: Uint16Array,
  row: number,
  uniform: (column: number) => number,
): string =>
  columns.map((column, j) => field(decodeCell(column, cells[row * columns.length + j] as number, uniform(j)))).join(',')

/**
 * A cohort as CSV in pieces: a header, then `rows` lines in the study's columns, levels and units. Post-processing of the
 * released model: no privacy cost, no look at patients. Equal seeds give equal bytes. Flat memory, O(rows x columns) time.
 */
export async function* cohortCsv(
  engine: Engine,
  manifest: Manifest,
  model: ReleasedModel,
  order: { readonly rows: number; readonly seed: number },
): AsyncIterable<string> {
  const columns = columnsOf(manifest)
  const random = counterRandom(order.seed, withinBins)
  yield `${columns.map(({ name }) => field(name)).join(',')}\n`
  let first = 0
  for await (const cells of sampleCells(engine, model, order.rows, order.seed)) {
    const made = cells.length / columns.length
    const lines: string[] = []
    for (let row = 0; row < made; row++)
      lines.push(line(columns, cells, row, (column) => random.uniform(first + row, column)))
    yield `${lines.join('\n')}\n`
    first += made
  }
}

/** Rows of a cohort nobody sized: what the sites promised, never what they hold (R19). */
export const promisedRows = ({ sites }: Manifest): number => sites.reduce((sum, site) => sum + site.promised_rows, 0)
