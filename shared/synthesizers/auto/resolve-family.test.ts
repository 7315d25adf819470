import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gaussianEpsilon } from '../../dp/gaussian.ts'
import { sizeOfColumn } from '../../schema/column.ts'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { delta, noiseMultiplier } from '../../units.ts'
import { autoregressiveSchema } from '../autoregressive/schema.ts'
import { ganSchema } from '../gan/schema.ts'
import { mixtureSchema } from '../mixture/schema.ts'
import { type ExplainedFamily, explainFamily } from './explain-family.ts'
import { mostGroupCells, mostPairCells, pairCellsOf } from './group-sizes.ts'
import { resolveFamily } from './resolve-family.ts'
import { type AutoBlock, autoSchema } from './schema.ts'
import { type AutoFacts, noiseShareOf, plannedShare, releaseMu, signalOf } from './signal.ts'

interface FactsWanted {
  readonly sites?: number
  readonly rows?: number
  readonly patients?: number
  readonly noiseShares?: number
  readonly epsilon?: number
  readonly columns?: readonly ColumnSpec[]
  readonly auto?: Partial<AutoBlock>
}

const nominal = (name: string, levels: number): ColumnSpec => ({
  name,
  kind: 'categorical',
  levels: Array.from({ length: levels }, (_, level) => `${level}`),
  ordered: false,
  numeric_text: false,
  missing: 'refuse',
  other: 'refuse',
})

const ordered = (name: string, bins: number): ColumnSpec => ({
  name,
  kind: 'numeric',
  bins: Array.from({ length: bins }, (_, bin) => bin),
  maximum: bins,
  integer: false,
  missing: 'level',
  outside: 'refuse',
})

/** A study's public facts: by default two sites of 500 rows, four nominal columns of three levels, epsilon 1. */
const factsOf = (wanted: FactsWanted = {}): AutoFacts & { family: AutoBlock } => {
  const { sites = 2, rows = 500, patients = rows, epsilon = 1, columns, auto } = wanted
  return {
    columns: [...(columns ?? [0, 1, 2, 3].map((j) => nominal(`c${j}`, 3)))],
    privacy: { unit: 'row', most_rows_per_patient: 1, epsilon, delta: 1e-5 },
    sites: Array.from({ length: sites }, (_, i) => ({
      name: `site-${i}`,
      promised_patients: patients,
      promised_rows: rows,
    })),
    federation: { noise_shares: wanted.noiseShares ?? sites },
    family: { name: 'auto', most_rounds: 320, ...auto },
  }
}

const mixtureOf = (wanted: FactsWanted) => {
  const block = resolveFamily(factsOf(wanted))
  if (block.name !== 'mixture') throw new Error(`expected a mixture, got ${block.name}`)
  return block
}
const groupsOf = (wanted: FactsWanted) => mixtureOf(wanted).most_groups as number[]

const columnLists = fc
  .array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 40 })
  .map((list) => list.map(([isOrdered, size], j) => (isOrdered ? ordered(`c${j}`, size) : nominal(`c${j}`, size))))

describe('auto', () => {
  it('gives a valid block for any table, promise and epsilon, the same each time', () => {
    fc.assert(
      fc.property(
        columnLists,
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.integer({ min: 2, max: 2000 }),
        (columns, rows, epsilon, mostRounds) => {
          const facts = factsOf({ columns, rows, epsilon, auto: { most_rounds: mostRounds, outcome: 'c0' } })
          const block = resolveFamily(facts)
          const schema = block.name === 'mixture' ? mixtureSchema : autoregressiveSchema
          expect(schema.parse(block)).toEqual(block)
          expect(block.chosen).toBe('auto')
          expect(resolveFamily(facts)).toEqual(block)
          const { steps, spares } = block
          const rounds =
            typeof steps === 'number'
              ? 1 + steps + (spares as { marginals: number; gradient: number }).gradient
              : steps.marginals + steps.pairs + block.spares.marginals + (spares as { pairs: number }).pairs
          expect(rounds).toBeLessThanOrEqual(mostRounds)
          if (block.name === 'mixture') {
            const sizes = block.most_groups as number[]
            expect(sizes.every((size, j) => size >= 1 && size <= sizeOfColumn(columns[j]!))).toBe(true)
            expect(pairCellsOf(sizes)).toBeLessThanOrEqual(mostPairCells)
          }
          const text = explainFamily({ ...facts, family: block })
          expect(text.length).toBeGreaterThanOrEqual(3)
          expect(
            text.every((sentence) => /^[A-Z0-9].*\.$/.test(sentence) && !/NaN|undefined|Infinity/.test(sentence)),
          ).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('merges fewer levels and gives counts a smaller share as patients or epsilon grow', () => {
    const columns = [ordered('c0', 16), nominal('c1', 40), ordered('c2', 100), nominal('c3', 2)]
    const along = (list: readonly FactsWanted[]) => {
      const blocks = list.map((wanted) => mixtureOf({ columns, ...wanted }))
      for (let i = 1; i < blocks.length; i++) {
        const [less, more] = [blocks[i - 1]!, blocks[i]!]
        ;(more.most_groups as number[]).forEach((size, j) =>
          expect(size).toBeGreaterThanOrEqual((less.most_groups as number[])[j]!),
        )
        expect(more.components).toBeGreaterThanOrEqual(less.components)
      }
      return blocks
    }
    const bySize = along([100, 300, 1000, 3000, 10_000, 100_000].map((rows) => ({ rows })))
    for (let i = 1; i < bySize.length; i++)
      expect(bySize[i]!.marginals_share).toBeLessThanOrEqual(bySize[i - 1]!.marginals_share)
    along([0.1, 0.3, 1, 3, 10].map((epsilon) => ({ epsilon })))
    expect((bySize.at(-1)!.most_groups as number[]).slice(0, 2)).toEqual([17, 40])
  })

  it('never merges the outcome, names it and weighs its pairs', () => {
    const columns = [ordered('c0', 16), nominal('c1', 12), nominal('c2', 12)]
    expect(groupsOf({ columns, rows: 100 })[2]).toBeLessThan(12)
    const block = mixtureOf({ columns, rows: 100, auto: { outcome: 'c2' } })
    expect(block).toMatchObject({ outcome: 'c2', outcome_weight: 3 })
    expect((block.most_groups as number[])[2]).toBe(12)
    expect(mixtureOf({ columns, rows: 100 }).outcome).toBeUndefined()
  })

  it('takes the outcome of the evaluation unless the study names another', () => {
    const facts = factsOf()
    const evaluation = { outcome: 'c1', positive: ['0'], bins: 16, spares: 1 }
    expect(resolveFamily({ ...facts, evaluation })).toMatchObject({ outcome: 'c1' })
    expect(resolveFamily({ ...facts, evaluation, family: { ...facts.family, outcome: 'c2' } })).toMatchObject({
      outcome: 'c2',
    })
  })

  it('keeps wide tables and columns of 10,000 levels affordable', () => {
    const wide = Array.from({ length: 100 }, (_, j) => ordered(`c${j}`, 29))
    const codes = [nominal('icd', 10_000), nominal('atc', 10_000), ordered('age', 16), nominal('sex', 2)]
    for (const columns of [wide, codes])
      for (const rows of [100, 40_000, 1_000_000]) {
        const sizes = groupsOf({ columns, rows })
        expect(sizes.every((size) => size >= 2)).toBe(true)
        expect(pairCellsOf(sizes)).toBeLessThanOrEqual(mostPairCells)
        expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(mostGroupCells)
      }
    expect(Math.max(...groupsOf({ columns: codes, rows: 1_000_000, auto: { most_levels: 50 } }))).toBe(50)
  })

  it('takes a network where pairs are too many or there are none', () => {
    const wide = Array.from({ length: 600 }, (_, j) => nominal(`c${j}`, 4))
    expect(resolveFamily(factsOf({ columns: wide, rows: 30_000 }))).toMatchObject({
      name: 'autoregressive',
      most_levels: 2,
    })
    expect(resolveFamily(factsOf({ columns: [nominal('c0', 4)] }))).toMatchObject({ name: 'autoregressive', steps: 1 })
    const two = resolveFamily(factsOf({ columns: wide, auto: { most_rounds: 2 } }))
    expect(two).toMatchObject({ name: 'autoregressive', steps: 1, spares: { marginals: 0, gradient: 0 } })
  })

  it('runs in as few rounds as a consortium can afford, without a reserve where it has hardly any', () => {
    expect(mixtureOf({ auto: { most_rounds: 2 } })).toMatchObject({
      steps: { marginals: 1, pairs: 1 },
      spares: { marginals: 0, pairs: 0 },
    })
    expect(mixtureOf({})).toMatchObject({ steps: { marginals: 21, pairs: 42 }, spares: { marginals: 1, pairs: 2 } })
  })

  it('says that few pairs can be learnt from few patients, and only then', () => {
    const saysFew = (rows: number) => {
      const facts = factsOf({ rows })
      return explainFamily({ ...facts, family: resolveFamily(facts) }).some((text) =>
        /only a few|by itself to be right/.test(text),
      )
    }
    expect(saysFew(100)).toBe(true)
    expect(saysFew(100_000)).toBe(false)
  })

  it('tells family, facts, budget, noise, merging, outcome, size and rounds in words', () => {
    const columns = [ordered('age', 90), nominal('icd', 10_000), nominal('sex', 2), nominal('died', 2)]
    const facts = factsOf({ rows: 5000, columns, auto: { outcome: 'died' } })
    const family = resolveFamily(facts)
    expect(explainFamily({ ...facts, family })).toEqual([
      'The rule auto chose the mixture: counts of every column, then of all pairs of columns, and a model fitted to them with the noise taken out.',
      'It follows from public facts alone: 10,000 promised rows to learn from, 4 columns, epsilon 1.',
      '18 % of the budget goes to the counts of the 4 columns, 82 % to those of their 6 pairs.',
      "The noise on the count of one pair's cell is about 9.1 rows, of 10,000: what concerns fewer is lost in it.",
      "Too many levels for the noise or the traffic in 2 of 4 columns: in pairs they are counted by groups of levels, icd by 40 groups of its 10,000 levels, age by 20 groups of its 91 levels. Inside its group a row gets its level by the column's own counts.",
      'Pairs with died get 3 times the precision of others, as it is the outcome.',
      'The model mixes 1,000 simple tables and is fitted at the coordinator to the noisy counts alone.',
      'It takes 63 rounds, 21 of columns and 42 of pairs; the numbers that a round of pairs sends: 1,044. Up to 3 more make up for rounds that fail: 4.5 % of the budget is kept for them.',
    ])
  })

  it('has words for every extreme: one column, 100 columns, 40 patients, a million, epsilon 0.1 and 10, three rounds', () => {
    const said = (wanted: FactsWanted) => {
      const facts = factsOf(wanted)
      return explainFamily({ ...facts, family: resolveFamily(facts) }).join(' ')
    }
    const wide = Array.from({ length: 100 }, (_, j) => ordered(`c${j}`, 29))
    expect(said({ columns: [nominal('c0', 4)] })).toContain('One column has no relations to learn')
    expect(said({ columns: wide, rows: 1000 })).toMatch(/in 100 of 100 columns: .* and 96 more/)
    expect(said({ rows: 20 })).toMatch(/40 promised rows .*expect each column by itself to be right/)
    expect(said({ rows: 500_000 })).toMatch(/1,000,000 promised rows .*none merged/)
    expect(said({ rows: 1000, epsilon: 0.1 })).toContain('only a few strong relations')
    expect(said({ rows: 1000, epsilon: 10 })).not.toMatch(/only a few|by itself to be right/)
    expect(said({ auto: { most_rounds: 3 } })).toContain(
      'It takes 3 rounds, 1 of columns and 2 of pairs; the numbers that a round of pairs sends: 54. None is in reserve',
    )
    expect(said({ columns: Array.from({ length: 600 }, (_, j) => nominal(`c${j}`, 4)) })).toContain('too many columns')
  })

  it('explains a family that the study names itself without claiming to have chosen it', () => {
    const once = { marginals: 1, pairs: 1 }
    const family = mixtureSchema.parse({ name: 'mixture', steps: once, spares: once })
    const text = explainFamily({ ...factsOf(), family })
    expect(text[0]).toMatch(/^The study names the mixture/)
    // One round of each kind, and as many in reserve.
    expect(text.at(-1)).toMatch(/It takes 2 rounds, .* Up to 2 more .*: 50 % of the budget is kept for them/)
  })

  it('says what one column or one pair costs whatever the family, in rounds that the plan has', () => {
    const columns = [nominal('c0', 3)]
    const [once, spares] = [
      { marginals: 1, pairs: 1 },
      { marginals: 1, gradient: 1 },
    ]
    const said = (family: ExplainedFamily) => explainFamily({ ...factsOf({ columns }), family }).at(-1)
    expect(said(mixtureSchema.parse({ name: 'mixture', steps: once, spares: once }))).toMatch(
      /^It takes 1 round\. Up to 1 more .*: 50 %/,
    )
    expect(said(ganSchema.parse({ name: 'gan', spares }))).toMatch(/all of the budget, in 1 round, and up to 1 more/)
    const network = explainFamily({
      ...factsOf({ columns }),
      family: autoregressiveSchema.parse({ name: 'autoregressive' }),
    })
    expect(network.join(' ')).toMatch(/300 steps of training buys nothing/)
    const pair = factsOf({ columns: [nominal('c0', 3), nominal('c1', 3)] })
    expect(explainFamily({ ...pair, family: resolveFamily(pair) }).join(' ')).toContain('those of their pair.')
  })

  it('has defaults, and refuses what it does not know', () => {
    expect(autoSchema.parse({ name: 'auto' })).toEqual({ name: 'auto', most_rounds: 320 })
    expect(autoSchema.safeParse({ name: 'auto', hidden: 3 }).success).toBe(false)
  })
})

describe('the signal of a study', () => {
  it.each([
    [1, 1e-5],
    [3, 1e-5],
    [0.1, 1e-7],
    [20, 1e-6],
  ])('finds the largest release that costs epsilon %d at delta %d', (epsilon, target) => {
    const mu = releaseMu(epsilon, target)
    expect(gaussianEpsilon(noiseMultiplier(1 / mu), delta(target))).toBeLessThanOrEqual(epsilon)
    expect(gaussianEpsilon(noiseMultiplier(1 / (mu * (1 + 1e-6))), delta(target))).toBeGreaterThan(epsilon)
  })

  it('knows the published figure: sigma 3.730 at epsilon 1, delta 1e-5', () => {
    expect(1 / releaseMu(1, 1e-5)).toBeCloseTo(3.7304, 3)
  })

  it('counts the promised units of the study, those held out left out, and the noise that all sites add', () => {
    const facts = factsOf({ sites: 4, rows: 1000, patients: 800, noiseShares: 4 })
    const mu = releaseMu(1, 1e-5)
    expect(signalOf(facts)).toMatchObject({ units: 4000, strength: (4000 * mu) / Math.sqrt(6) })
    expect(signalOf({ ...facts, privacy: { ...facts.privacy, unit: 'patient' } }).units).toBe(3200)
    expect(signalOf({ ...facts, evaluation: { outcome: 'c0', positive: ['0'], bins: 16, spares: 1 } }).units).toBe(3600)
    expect(signalOf({ ...facts, federation: { noise_shares: 1 } }).mu).toBeCloseTo(mu / 2, 9)
  })

  it('turns a share of mu squared into a share of zCDP, which promises less for the same epsilon', () => {
    expect(plannedShare(0.2, 1, 1e-5)).toBeCloseTo(0.345, 3)
    expect(plannedShare(0.5, 1, 1e-5)).toBeLessThanOrEqual(0.9)
    expect(noiseShareOf(plannedShare(0.2, 1, 1e-5), 1, 1e-5)).toBeCloseTo(0.2, 9)
  })
})
