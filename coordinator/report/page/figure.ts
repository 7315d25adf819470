import { parseHTML } from 'linkedom'
import { type Content, html, Markup } from './html.ts'

/** A document for Plot to draw in; never shown itself. */
export const chartDocument = () => parseHTML('<!doctype html><html><body></body></html>').document

/** What Plot drew, as text: linkedom has escaped names on the way. */
export const svgMarkup = (svg: {
  readonly outerHTML: string
  setAttribute(name: string, value: string): void
}): Markup => {
  svg.setAttribute('role', 'img')
  return new Markup(svg.outerHTML)
}

export interface Table {
  readonly head: readonly Content[]
  readonly rows: readonly (readonly Content[])[]
  /** Said before the table where it cannot hold everything. */
  readonly note?: string
}

const isWords = (cell: Content | undefined): boolean => typeof cell === 'string'

/** The first cell of every row names it; strings are words, to the left, all else numbers, to the right. */
export const table = ({ head, rows, note }: Table, label: string): Markup => {
  const side = (cell: Content | undefined) => (isWords(cell) ? html` class="words"` : '')
  const header = head.map((cell, i) => html`<th scope="col"${side(rows[0]?.[i])}>${cell}</th>`)
  const body = rows.map(
    ([first = '', ...rest]) =>
      html`<tr><th scope="row"${side(first)}>${first}</th>${rest.map((cell) => html`<td${side(cell)}>${cell}</td>`)}</tr>`,
  )
  return html`${note !== undefined && html`<p class="note">${note}</p>`}<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table><thead><tr>${header}</tr></thead><tbody>${body}</tbody></table></div>
`
}

/** A chart, what it shows, and its numbers as a table. `caption` starts with what is seen. */
export const figure = (
  { svg, caption, title, wide }: { svg: Markup; title: string; caption?: Content; wide?: boolean },
  numbers: Table,
): Markup => html`<figure class="${wide === true ? 'chart wide' : 'chart'}"><figcaption><strong>${title}</strong>${
  caption !== undefined && html`<br>${caption}`
}</figcaption>${svg}<details><summary>Table: ${title}</summary>${table(numbers, `Table: ${title}`)}</details></figure>
`

/** Two columns of facts: term, what it is. */
export const facts = (rows: readonly (readonly [Content, Content] | null)[]): Markup =>
  html`<dl>${rows.map((row) => row && html`<div><dt>${row[0]}</dt><dd>${row[1]}</dd></div>`)}</dl>`

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** At most `longest` characters, an ellipsis for the rest: the table has the whole name. */
export const shortened = (name: string, longest: number): string => {
  const seen = Array.from(characters.segment(name), ({ segment }) => segment)
  return seen.length <= longest ? name : `${seen.slice(0, longest - 1).join('')}…`
}
