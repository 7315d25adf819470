import type { IToken, TokenType } from 'chevrotain'
import { conditionComplaint, conditionTokensOf, parsedTokens, type WrittenCondition } from './condition-grammar.ts'
import {
  between,
  closing,
  comparator,
  inWord,
  isWord,
  missing,
  not,
  number,
  opening,
  quoted,
  word,
} from './condition-words.ts'

/**
 *   rule   NEVER condition | IF condition THEN condition | condition
 *
 * IF, THEN and NEVER are words like any other where a name or level stands: `smoking = never` goes on to mean the level.
 * `IF a THEN b` is `NOT a OR b`, `NEVER a` is `NOT a`. Throws `CONDITION_INVALID` naming the character.
 */
export const writtenRule = (text: string): WrittenCondition => {
  const tokens = conditionTokensOf(text)
  if (isRuleWord(tokens, 'never')) return { kind: 'not', part: parsedTokens(tokens.slice(1), text.length) }
  if (!isRuleWord(tokens, 'if')) return parsedTokens(tokens, text.length)
  const middle = thenOf(tokens)
  if (middle < 0)
    throw conditionComplaint(text.length + 1, 'THEN expected: a rule that begins with IF says what follows')
  const premise = parsedTokens(tokens.slice(1, middle), tokens[middle]!.startOffset)
  return {
    kind: 'any',
    parts: [{ kind: 'not', part: premise }, parsedTokens(tokens.slice(middle + 1), text.length)],
  }
}

/** Whether the first token is the word, rather than a column of that name: a column is compared with something. */
const isRuleWord = ([first, second, third]: readonly IToken[], name: string): boolean => {
  if (first?.tokenType !== word || first.image.toLowerCase() !== name) return false
  const compared: (TokenType | undefined)[] = [comparator, isWord, inWord, between]
  return !compared.includes(second?.tokenType === not ? third?.tokenType : second?.tokenType)
}

const operandEnds: readonly TokenType[] = [word, number, quoted, closing, missing]

/** Where THEN is: after something that ends a comparison, outside parentheses; -1 without one. */
const thenOf = (tokens: readonly IToken[]): number => {
  let depth = 0
  return tokens.findIndex(({ tokenType, image }, i) => {
    if (tokenType === opening) depth++
    if (tokenType === closing) depth--
    const before = tokens[i - 1]?.tokenType
    return (
      i > 1 &&
      depth === 0 &&
      tokenType === word &&
      image.toLowerCase() === 'then' &&
      before !== undefined &&
      operandEnds.includes(before)
    )
  })
}
