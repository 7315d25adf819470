/** Control characters (escape sequences begin with one), line separators, and marks that turn the direction of text around. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Text from elsewhere as one line that is safe for a terminal: what a terminal could obey becomes a space. */
export const printable = (text: string): string => text.replaceAll(unsafe, ' ')

/** The same for text of several lines: line feeds and tabs stay. */
export const printableLines = (text: string): string =>
  text.replaceAll(unsafe, (character) => (character === '\n' || character === '\t' ? character : ' '))
