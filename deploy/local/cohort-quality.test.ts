import type { Manifest } from '@tributary/shared/study/study-schema'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeTable, distancesTo, independentDistancesTo } from './cohort-quality.ts'
import { oddsWords } from './odds-words.ts'

const level = (name: string) => ({
  name,
  kind: 'categorical' as const,
  levels: ['a', 'b'],
  ordered: false,
  numeric_text: false,
  missing: 'refuse' as const,
  other: 'refuse',
})
const study = { columns: [level('x'), level('y')], source: { missing: [] as string[] } } as unknown as Manifest
const table = (...rows: string[]) =>
  codeTable(
    study,
    rows.map((row) => row.split('')),
  )

describe('cohort quality', () => {
  it('is nil between equal tables, whatever their length', () => {
    expect(distancesTo(study, table('aa', 'bb'), table('aa', 'bb', 'aa', 'bb'))).toEqual({ oneWay: 0, twoWay: 0 })
  })

  it('counts by hand: half of the rows moved in one column', () => {
    expect(distancesTo(study, table('aa', 'bb'), table('aa', 'aa'))).toEqual({ oneWay: 0.5, twoWay: 0.5 })
  })

  it('independent columns keep 1-way shares and lose the dependency', () => {
    expect(independentDistancesTo(study, table('aa', 'bb'), table('aa', 'bb'))).toEqual({ oneWay: 0, twoWay: 0.5 })
  })

  it('a text outside the levels names the column, never the text', () => {
    expect(() => table('az')).toThrow(/^column y: a value outside the study's levels$/)
  })

  it('a pair is never closer than its columns', () => {
    const rows = fc.array(fc.constantFrom('aa', 'ab', 'ba', 'bb'), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(rows, rows, (one, other) => {
        const { oneWay, twoWay } = distancesTo(study, table(...one), table(...other))
        expect(twoWay).toBeGreaterThanOrEqual(oneWay - 1e-12)
      }),
    )
  })
})

describe('epsilon in words', () => {
  it('follows e^epsilon times the odds', () => {
    expect(oddsWords(1)).toBe('50 % before -> at most 74 % after; 1 % -> at most 2.7 %')
    expect(oddsWords(8)).toContain('at most practically 100 % after')
  })
})
