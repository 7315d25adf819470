import { categoricalCoder, levelKey } from '@tributary/shared/schema/categorical'
import { parseNumber } from '@tributary/shared/schema/numeric'
import type { CategoricalSpec } from '@tributary/shared/study/study-schema'

/** Ways in which two hospitals write one code, the slightest difference first. */
const spellings = {
  blanks: (text: string) => text.replaceAll(/\s+/g, ' ').trim(),
  case: (text: string) => text.replaceAll(/\s+/g, ' ').trim().toLowerCase(),
  number: (text: string) => {
    const value = parseNumber(text.replace(',', '.'))
    return value === undefined ? text : String(value)
  },
  punctuation: (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, ''),
} as const

export type Spelling = keyof typeof spellings

/** Which unlisted texts are a level of the column in another spelling. O(levels) once, O(1) a text. */
export class LevelSpelling {
  readonly #code: (text: string) => number | undefined
  readonly #levels: ReadonlyMap<Spelling, ReadonlySet<string>>

  constructor(column: CategoricalSpec) {
    const { levels } = column
    this.#code = categoricalCoder({ ...column, other: 'refuse' })
    this.#levels = new Map(
      (Object.keys(spellings) as Spelling[]).map((spelling) => [
        spelling,
        new Set(levels.map((level) => spellings[spelling](levelKey(column, level)))),
      ]),
    )
  }

  isListed(text: string): boolean {
    return this.#code(text) !== undefined
  }

  /** How an unlisted text would have to be changed to be a level; undefined where nothing known helps. */
  of(text: string): Spelling | undefined {
    for (const [spelling, levels] of this.#levels) if (levels.has(spellings[spelling](text))) return spelling
    return undefined
  }
}
