import { describe, expect, it } from 'vitest'
import { codeOf, isTest, type SourceFile, sources } from '../harness/sources.ts'

const longest = 300
const vague = /(^|\/)(utils?|helpers?|common|misc|managers?|module|index)(\.test)?\.ts$/

const tooLong = (files: readonly SourceFile[]) =>
  files
    .filter(({ path }) => !isTest(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > longest)
    .map(({ path, lines }) => `${path}: ${lines} lines`)

/**
 * `x!` asks the reader for trust. After an index (`a[i]!`) the loop bound is the reason; anywhere else the line, or the one
 * above it, says `safe because`.
 */
const bareAssertions = ({ path, text, code }: SourceFile): string[] => {
  const lines = text.split('\n')
  return code.split('\n').flatMap((line, index) => {
    if (!/[\w)]!(?=[.[,;)\]}]|\s*$|\s[-+*/<>?:)&|]|\()/.test(line)) return []
    const said = `${lines[index - 1] ?? ''}\n${lines[index] ?? ''}`
    return /safe because/i.test(said) ? [] : [`${path}:${index + 1}`]
  })
}

const planted = (text: string): SourceFile => ({ path: 'shared/planted.ts', text, code: codeOf(text) })

describe('files', () => {
  const files = sources()

  it(`none of the product is longer than ${longest} lines`, () => {
    expect(tooLong(files)).toEqual([])
    expect(tooLong([planted('x\n'.repeat(longest + 1))])).toHaveLength(1)
  })

  it('each is named after a noun of the field, not after its shape', () => {
    expect(files.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([])
    expect(vague.test('shared/utils.ts')).toBe(true)
  })

  it('a non-null assertion outside an index says why it is safe', () => {
    expect(files.filter(({ path }) => !isTest(path)).flatMap(bareAssertions)).toEqual([])
    expect(bareAssertions(planted('const a = map.get(k)!'))).toHaveLength(1)
    expect(bareAssertions(planted('const a = map.get(k)! // safe because k was just set'))).toEqual([])
    expect(bareAssertions(planted('const a = xs[i]! + 1\nif (a != b) throw c\nif (!ok) return'))).toEqual([])
  })
})
