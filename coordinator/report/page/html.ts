/** A piece of HTML. Only `html` and `svgMarkup` make one, so that whatever else a page is given is text. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Content = Markup | string | number | false | null | readonly Content[]

/** Control characters and direction marks would let a level's name rearrange the page. */
const unprintable = /(?![\t\n\r])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** `text` as people may see it: unprintable characters shown as U+FFFD. */
export const printable = (text: string): string => text.replace(unprintable, '\uFFFD')

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Safe as an element's text and inside a quoted attribute. */
const escaped = (text: string): string => printable(text).replace(/[&<>"']/g, (character) => entities[character] ?? '')

const textOf = (content: Content): string => {
  if (content instanceof Markup) return content.text
  if (content === null || content === false) return ''
  return typeof content === 'object' ? content.map(textOf).join('') : escaped(String(content))
}

/** Markup as written, with every value escaped unless it is markup itself. */
export const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Markup =>
  new Markup(parts.reduce((text, part, i) => text + textOf(values[i - 1] ?? '') + part))
