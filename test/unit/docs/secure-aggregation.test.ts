import { existsSync, readFileSync } from 'node:fs'
import { blockCount } from '@tributary/shared/he/slots'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { bodySchemas } from '@tributary/shared/wire/messages'
import { describe, expect, it } from 'vitest'
import { attacksByKind } from '../../attacks/attack-list.ts'
import { latticeRow, productCases, publishedCases } from '../../bench/lattice-table.ts'
import { messageSizes } from '../../harness/message-sizes.ts'
import { widestLayout } from '../../harness/sealed-round.ts'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/secure-aggregation.md', root), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
const number = (cell: string | undefined): number => Number(cell?.replaceAll(',', ''))

describe('docs/secure-aggregation.md', () => {
  it('names files that are there', () => {
    const files = [...page.matchAll(/`((?:shared|site-agent|coordinator|deploy|test|docs)\/[^`* ]+\.[a-z]+)`/g)]
    expect(files.length).toBeGreaterThan(15)
    for (const [, file = ''] of files) expect(existsSync(new URL(file, root)), file).toBe(true)
  })

  it('tells the bytes of every signed message of a round, as they are', () => {
    const blocks = blockCount(ringFacts, widestLayout(1_000_000, 10, 2))
    expect(blocks).toBe(123)
    const [ten, fifty] = [messageSizes(10, 10, blocks), messageSizes(50, 16, blocks)]
    const told = rows
      .filter(([name]) => /^`[a-z-]+`$/.test(name ?? ''))
      .map(([name, , , a, b]) => [name, number(a), number(b)])
    expect(told).toEqual(Object.keys(ten).map((name) => [`\`${name}\``, ten[name], fifty[name]]))
    const named = told.map(([name]) => String(name).slice(1, -1))
    const outside = ['roster-signature', 'countersignature', 'approval']
    expect(Object.keys(bodySchemas).filter((kind) => !outside.includes(kind) && !named.includes(kind))).toEqual([])
    const up = ten['deal']! + ten['check']! + ten['contribution']! + ten['answer']!
    expect(page).toContain(
      `${(up / 1e6).toFixed(2)} bytes with deal, check and answer, ${(ten['contribution']! / 1e6).toFixed(2)} of them`,
    )
  })

  it('tells the lattice estimate as `npm run lattice` computes it', () => {
    const told = rows.filter((row) => row.length === 5 && /^\d\.\d{3}$/.test(row[1] ?? ''))
    const computed = productCases.map((each) => {
      const { problem, least, costs } = latticeRow(each)
      const [primal, dual] = costs.classical
      const blocks = `${primal.blockSize}, ${dual.blockSize}`
      return [problem.deviation.toFixed(3), least.classical.toFixed(1), least.quantum.toFixed(1), blocks]
    })
    expect(told.map(([, ...cells]) => cells)).toEqual(computed)
    const [small, middle, , hope] = publishedCases.map((each) => latticeRow(each).costs.classical)
    expect(page).toContain(`block sizes ${small![0].blockSize} for Kyber512 and ${middle![0].blockSize} for Kyber768`)
    expect(Math.abs(hope![0].blockSize - 967)).toBeLessThanOrEqual(3)
    expect(Math.abs(hope![1].blockSize - 962)).toBeLessThanOrEqual(3)
  })

  it('tells of every attack of the suite what it may learn and who is named', () => {
    const { 'how many collude': colluding = [], ...others } = attacksByKind
    const told = rows.filter((row) => row.length === 4 && /^R\d/.test(row[1] ?? ''))
    // Slots are so narrow there that guesses hit.
    const chance = (kind: string) => (kind === 'slots of a coefficient' ? 'fewer than by chance' : '0')
    const expected = Object.entries(others).flatMap(([kind, attacks]) =>
      attacks.map(({ name, rules, expects }) => [
        name,
        rules,
        expects.learns === null ? 'nothing at stake' : expects.learns === 'chance' ? chance(kind) : 'all',
        expects.named.join(', ') || 'nobody',
      ]),
    )
    expect(told).toEqual(expected)
    expect(page).toContain(`${expected.length + colluding.length} attacks, all as`)
    const tight = rows.filter(
      (row) => row.length === 4 && /^\d+: 0$/.test(row[2] ?? '') && /^\d+: 240$/.test(row[3] ?? ''),
    )
    const pairs = tight.flatMap(([sites, rule, none = '', all = '']) => {
      const [n, holders] = sites!.split(', ')
      const [c, t, least] = rule!.split(', ')
      const shares = n === holders ? '' : ` ${holders} hold shares,`
      const name = (k: string) => `${Number.parseInt(k)} of ${n} collude (c ${c}, least ${least},${shares} t ${t})`
      return [
        [name(none), 'chance'],
        [name(all), 'everything'],
      ]
    })
    expect(pairs).toEqual(colluding.map(({ name, expects }) => [name, expects.learns]))
  })
})
