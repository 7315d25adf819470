import {
  EmbeddedActionsParser,
  type IParserErrorMessageProvider,
  type IToken,
  type ParserMethod,
  tokenLabel,
} from 'chevrotain'
import { CodedError } from '../errors.ts'
import {
  and,
  between,
  closing,
  comma,
  comparator,
  conditionLexer,
  conditionTokens,
  inWord,
  isWord,
  missing,
  not,
  number,
  opening,
  or,
  quoted,
  word,
} from './condition-words.ts'

/** A word, a number or a quoted text of a condition; `at` counts characters from 1. */
export interface Term {
  readonly text: string
  readonly at: number
  readonly isNumber: boolean
}

export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>='

/** A condition as written: names and values not yet looked up. */
export type WrittenCondition =
  | {
      kind: 'compare'
      left: Term
      comparator: Comparator
      right: Term
      second?: { comparator: Comparator; right: Term }
    }
  | { kind: 'between'; column: Term; low: Term; high: Term; isNegated: boolean }
  | { kind: 'in'; column: Term; values: Term[]; isNegated: boolean }
  | { kind: 'missing'; column: Term; isNegated: boolean }
  | { kind: 'all' | 'any'; parts: WrittenCondition[] }
  | { kind: 'not'; part: WrittenCondition }

/** Parentheses and NOTs inside each other. */
const mostDepth = 50

/** `CONDITION_INVALID`: `complaint` about the character `at`, from 1. */
export class ConditionRefused extends CodedError {
  readonly at: number
  readonly complaint: string

  constructor(at: number, complaint: string) {
    super('CONDITION_INVALID', `character ${at} of the condition: ${complaint}`, { place: { field: 'where' } })
    this.at = at
    this.complaint = complaint
  }
}

export const conditionComplaint = (at: number, message: string): ConditionRefused => new ConditionRefused(at, message)

const shown = ({ image }: IToken): string => (image === '' ? 'the end' : image)
const labels = (tokens: readonly IToken['tokenType'][]) => [...new Set(tokens.map(tokenLabel))].join(', ')

const messages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual }) => `${tokenLabel(expected)} expected, found ${shown(actual)}`,
  buildNotAllInputParsedMessage: ({ firstRedundant }) => `AND, OR or the end expected, found ${shown(firstRedundant)}`,
  buildNoViableAltMessage: ({ expectedPathsPerAlt, actual }) =>
    `${labels(expectedPathsPerAlt.flatMap((paths) => paths.flatMap((path) => path.slice(0, 1))))} expected, found ${shown(actual[0]!)}`,
  buildEarlyExitMessage: ({ actual }) => `more expected, found ${shown(actual[0]!)}`,
}

const termOf = ({ image, startOffset, tokenType }: IToken): Term => {
  const quote = image[0] ?? ''
  const text = tokenType === quoted ? image.slice(1, -1).replaceAll(quote + quote, quote) : image
  return { text, at: startOffset + 1, isNumber: tokenType === number }
}

const comparatorOf = ({ image }: IToken): Comparator => (image === '<>' ? '!=' : (image as Comparator))

type Rule<T> = ParserMethod<[], T>

/**
 *   condition   every {OR every}
 *   every       denied {AND denied}
 *   denied      NOT denied | ( condition ) | comparison
 *   comparison  term (= | != | < | <= | > | >=) term [(< | <= | > | >=) term]
 *             | term [NOT] IN ( term {, term} ) | term [NOT] BETWEEN term AND term | term IS [NOT] MISSING
 */
class ConditionParser extends EmbeddedActionsParser {
  constructor() {
    super(conditionTokens, { maxLookahead: 1, errorMessageProvider: messages })
    this.performSelfAnalysis()
  }

  readonly condition: Rule<WrittenCondition> = this.RULE('condition', (): WrittenCondition => {
    const parts = [this.SUBRULE(this.every)]
    this.MANY(() => {
      this.CONSUME(or)
      parts.push(this.SUBRULE2(this.every))
    })
    return parts.length === 1 ? parts[0]! : { kind: 'any', parts }
  })

  readonly every: Rule<WrittenCondition> = this.RULE('every', (): WrittenCondition => {
    const parts = [this.SUBRULE(this.denied)]
    this.MANY(() => {
      this.CONSUME(and)
      parts.push(this.SUBRULE2(this.denied))
    })
    return parts.length === 1 ? parts[0]! : { kind: 'all', parts }
  })

  readonly denied: Rule<WrittenCondition> = this.RULE('denied', () =>
    this.OR([
      {
        ALT: (): WrittenCondition => {
          this.CONSUME(not)
          return { kind: 'not', part: this.SUBRULE(this.denied) }
        },
      },
      {
        ALT: (): WrittenCondition => {
          this.CONSUME(opening)
          const inside = this.SUBRULE(this.condition)
          this.CONSUME(closing)
          return inside
        },
      },
      { ALT: () => this.SUBRULE(this.comparison) },
    ]),
  )

  readonly comparison: Rule<WrittenCondition> = this.RULE('comparison', () => {
    const left = this.SUBRULE(this.term)
    return this.OR([
      {
        ALT: (): WrittenCondition => {
          const first = comparatorOf(this.CONSUME(comparator))
          const right = this.SUBRULE2(this.term)
          const second = this.OPTION(() => ({
            comparator: comparatorOf(this.CONSUME2(comparator)),
            right: this.SUBRULE3(this.term),
          }))
          return { kind: 'compare', left, comparator: first, right, ...(second && { second }) }
        },
      },
      {
        ALT: (): WrittenCondition => {
          this.CONSUME(isWord)
          const isNegated = this.OPTION2(() => this.CONSUME(not)) !== undefined
          this.CONSUME(missing)
          return { kind: 'missing', column: left, isNegated }
        },
      },
      { ALT: () => this.SUBRULE(this.membership, { ARGS: [left] }) },
    ])
  })

  readonly membership: ParserMethod<[Term], WrittenCondition> = this.RULE('membership', (column: Term) => {
    const isNegated = this.OPTION(() => this.CONSUME(not)) !== undefined
    return this.OR([
      {
        ALT: (): WrittenCondition => {
          this.CONSUME(inWord)
          this.CONSUME(opening)
          const values: Term[] = []
          this.AT_LEAST_ONE_SEP({ SEP: comma, DEF: () => values.push(this.SUBRULE(this.term)) })
          this.CONSUME(closing)
          return { kind: 'in', column, values, isNegated }
        },
      },
      {
        ALT: (): WrittenCondition => {
          this.CONSUME(between)
          const low = this.SUBRULE2(this.term)
          this.CONSUME(and)
          return { kind: 'between', column, low, high: this.SUBRULE3(this.term), isNegated }
        },
      },
    ])
  })

  readonly term: Rule<Term> = this.RULE('term', () => {
    const token = this.OR([
      { ALT: () => this.CONSUME(word) },
      { ALT: () => this.CONSUME(number) },
      { ALT: () => this.CONSUME(quoted) },
    ])
    return this.ACTION(() => termOf(token))
  })
}

const parser = new ConditionParser()

/** A text taken apart. Throws `CONDITION_INVALID` naming the character. */
export const writtenCondition = (text: string): WrittenCondition => parsedTokens(conditionTokensOf(text), text.length)

/** Throws `CONDITION_INVALID` naming the character. */
export const conditionTokensOf = (text: string): readonly IToken[] => {
  const { tokens, errors } = conditionLexer.tokenize(text)
  const [strange] = errors
  if (strange === undefined) return tokens
  const found = text[strange.offset] ?? ''
  const isQuote = found === '"' || found === "'"
  throw conditionComplaint(strange.offset + 1, isQuote ? 'this quote is not closed' : `${found} has no meaning here`)
}

/** A condition that is `tokens`, which end before character `end` (from 0). Throws `CONDITION_INVALID` naming the character. */
export const parsedTokens = (tokens: readonly IToken[], end: number): WrittenCondition => {
  refuseDepth(tokens)
  parser.input = [...tokens]
  const written = parser.condition()
  const [wrong] = parser.errors
  if (wrong === undefined) return written
  const offset = wrong.token.startOffset >= 0 ? wrong.token.startOffset : end
  throw conditionComplaint(offset + 1, wrong.message)
}

const refuseDepth = (tokens: readonly IToken[]) => {
  let depth = 0
  let denials = 0
  for (const { tokenType, startOffset } of tokens) {
    if (tokenType === opening) depth++
    if (tokenType === closing) depth--
    denials = tokenType === not ? denials + 1 : tokenType === opening ? denials : 0
    if (depth + denials > mostDepth)
      throw conditionComplaint(startOffset + 1, `more than ${mostDepth} parentheses and NOTs inside each other`)
  }
}
