import { createToken, Lexer } from 'chevrotain'

/** What a name, level or number may look like without quotes. */
const wordPattern = /[\p{L}\p{N}_.][\p{L}\p{N}_.-]*/u
const numberPattern = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\p{L}\p{N}_.-])/u

/** A pattern of its own, for chevrotain drops the flag without which \p{L} is no letter. */
const matching = (source: RegExp) => {
  const pattern = new RegExp(source.source, 'uy')
  return (text: string, offset: number) => {
    pattern.lastIndex = offset
    return pattern.exec(text)
  }
}

export const word = createToken({
  name: 'Word',
  label: 'a name',
  pattern: matching(wordPattern),
  line_breaks: false,
})
export const number = createToken({
  name: 'Number',
  label: 'a number',
  pattern: matching(numberPattern),
  line_breaks: false,
})
/** Either quote; twice inside stands for itself. */
export const quoted = createToken({ name: 'Quoted', label: 'a quoted text', pattern: /"(?:[^"]|"")+"|'(?:[^']|'')+'/ })

const keyword = (name: string) =>
  createToken({ name, label: name.toUpperCase(), pattern: new RegExp(name, 'i'), longer_alt: word })

export const and = keyword('And')
export const or = keyword('Or')
export const not = keyword('Not')
export const inWord = keyword('In')
export const isWord = keyword('Is')
export const missing = keyword('Missing')
export const between = keyword('Between')

export const comparator = createToken({ name: 'Comparator', label: 'a comparison', pattern: /<>|!=|<=|>=|=|<|>/ })
export const opening = createToken({ name: 'Opening', label: '"("', pattern: '(' })
export const closing = createToken({ name: 'Closing', label: '")"', pattern: ')' })
export const comma = createToken({ name: 'Comma', label: '","', pattern: ',' })
const blank = createToken({ name: 'Blank', pattern: /\s+/, group: Lexer.SKIPPED })

const keywords = [and, or, not, inWord, isWord, missing, between]

export const conditionTokens = [blank, quoted, ...keywords, number, word, comparator, opening, closing, comma]

/** `safeMode`: the lexer cannot look into a pattern of its own, nor need it for texts this short. */
export const conditionLexer = new Lexer(conditionTokens, { positionTracking: 'onlyOffset', safeMode: true })

const whole = (pattern: RegExp) => new RegExp(`^(?:${pattern.source})$`, 'u')
const bare = [whole(wordPattern), whole(numberPattern)]
const reserved = new Set(keywords.map(({ name }) => name.toLowerCase()))

/** A name or level as a condition writes it. */
export const asWritten = (text: string): string =>
  bare.some((pattern) => pattern.test(text)) && !reserved.has(text.toLowerCase())
    ? text
    : `"${text.replaceAll('"', '""')}"`
