import { describe, expect, it } from 'vitest'
import { chiSquareTail } from '../../test/harness/goodness-of-fit.ts'
import { compiledCondition } from '../condition/compiled-condition.ts'
import { parseCondition } from '../condition/parse-condition.ts'
import { conditionModel } from '../generator/conditioned-model.ts'
import type { Generator } from '../generator/generator.ts'
import { sampleCells } from '../generator/sample.ts'
import { columnsOf } from '../schema/column.ts'
import { columnSchema, sourceSchema } from '../study/study-schema.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { ganGenerator } from '../synthesizers/gan/generator.ts'
import { constraintsOf } from './check-constraints.ts'
import { ruledModel } from './ruled-model.ts'
import { type RowValues, rowValues } from './row-values.ts'

/** Chance of a false alarm. */
const alarm = 1e-6

const specs = [
  { name: 'a', kind: 'numeric', integer: true, bins: [0, 3, 5], maximum: 6 },
  { name: 'sex', kind: 'categorical', levels: ['f', 'm'] },
  { name: 'b', kind: 'numeric', integer: true, bins: [0, 2, 5], maximum: 7, missing: 'level' },
  { name: 'c', kind: 'categorical', levels: ['x', 'y', 'z'] },
].map((spec) => columnSchema.parse(spec))
const source = sourceSchema.parse({ format: 'csv' })
const columns = columnsOf({ columns: specs, source })
const layout = layoutOf([3, 2, 4, 3])

const components = 5
const simplex = (size: number, seed: number) => {
  const random = counterRandom(seed, 21)
  const raw = Array.from({ length: size }, (_, i) => random.uniform(i, 0) ** 2 + 0.05)
  const total = raw.reduce((sum, value) => sum + value, 0)
  return raw.map((value) => value / total)
}
const weights = simplex(components, 1)
const shares = Array.from({ length: components }, (_, k) =>
  layout.sizes.map((size, j) => simplex(size, 10 * k + j + 2)),
)
/** `rare`: how likely level z of c is. */
const modelOf = (rare?: number): Generator => {
  const own = shares.map((columnsOfK) =>
    rare === undefined ? columnsOfK : [...columnsOfK.slice(0, 3), [0.6 - rare, 0.4, rare]],
  )
  return ganGenerator({
    layout,
    shares: Float32Array.from(own.flat(2)),
    weights: Float64Array.from(weights),
    marginals: null,
    levels: layout.sizes.map(() => null),
  })
}

type Row = readonly [number, string, number | null, string]
const sexes = ['f', 'm']
const letters = ['x', 'y', 'z']
const values = <T>(count: number, of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i))
const everyRow: readonly Row[] = values(7, (a) => a).flatMap((a) =>
  sexes.flatMap((sex) => [...values(8, (b) => b), null].flatMap((b) => letters.map((c): Row => [a, sex, b, c]))),
)
const binOf = (starts: readonly number[], value: number) => starts.findLastIndex((start) => start <= value)

/** Mass of a row of values, by the components themselves. */
const massOf = ([a, sex, b, c]: Row, rare?: number): number => {
  const [binA, binB] = [binOf([0, 3, 5], a), b === null ? 3 : binOf([0, 2, 5], b)]
  const inside = [3, 2, 2][binA]! * [2, 3, 3, 1][binB]!
  return weights.reduce((sum, weight, k) => {
    const own = shares[k]!
    const last = rare === undefined ? own[3]! : [0.6 - rare, 0.4, rare]
    return (
      sum +
      (weight * own[0]![binA]! * own[1]![sexes.indexOf(sex)]! * own[2]![binB]! * last[letters.indexOf(c)]!) / inside
    )
  }, 0)
}

const truthOf = (isKept: (row: Row) => boolean, rare?: number): Map<string, number> => {
  const kept = everyRow.filter(isKept)
  const total = kept.reduce((sum, row) => sum + massOf(row, rare), 0)
  return new Map(kept.map((row) => [row.join(), massOf(row, rare) / total]))
}

interface Draw {
  readonly constraints: string[]
  readonly where?: string
  readonly rows: number
  readonly rare?: number
  /** In place of the model under its rules. */
  readonly model?: (ruled: Generator) => Generator
  readonly place?: (values: RowValues) => RowValues
}

const drawn = async ({ constraints, where, rows, rare, model = (ruled) => ruled, place = (of) => of }: Draw) => {
  const study = { columns: specs, source, constraints }
  const condition = where === undefined ? null : parseCondition(where, study)
  const ruled = ruledModel(
    study,
    modelOf(rare),
    condition === null ? undefined : compiledCondition(condition, columns).cuts,
  )
  const compiled = condition === null ? null : compiledCondition(condition, columns, ruled.cuts)
  const own = model(ruled.model)
  const conditioned = compiled && conditionModel(own, ruled.cutsOf(compiled.printed), compiled.cells)
  const placed = place(rowValues(constraintsOf(study), compiled?.printed ?? ruled.printed))
  const counts = new Map<string, number>()
  let first = 0
  for await (const cells of conditioned?.sample(rows, 5) ?? sampleCells(own, rows, 5)) {
    const value = placed.draw(cells, counterRandom(5, 3), first)
    first += cells.length / 4
    for (let r = 0; r < cells.length / 4; r++) {
      const key = [0, 1, 2, 3].map((j) => value(r, j)).join()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return { counts, conditioned }
}

/** Chance of counts so far from the truth; 0 for a row that is not in it. `worth`: independent rows a row. */
const fit = (counts: ReadonlyMap<string, number>, truth: ReadonlyMap<string, number>, worth = 1): number => {
  if ([...counts.keys()].some((key) => !truth.has(key))) return 0
  const rows = [...counts.values()].reduce((a, b) => a + b, 0)
  let statistic = 0
  let cells = 0
  let [rest, expectedRest] = [0, 0]
  for (const [key, share] of truth) {
    const [seen, expected] = [counts.get(key) ?? 0, share * rows]
    if (expected < 10) [rest, expectedRest] = [rest + seen, expectedRest + expected]
    else {
      statistic += (seen - expected) ** 2 / expected
      cells++
    }
  }
  if (expectedRest >= 10) {
    statistic += (rest - expectedRest) ** 2 / expectedRest
    cells++
  }
  return chiSquareTail(statistic * worth, cells - 1)
}

const constraints = ['a <= b', 'IF sex = m THEN c != z', 'NEVER (a > 5 AND c = y)']
const isKept = ([a, sex, b, c]: Row) => (b === null || a <= b) && !(sex === 'm' && c === 'z') && !(a > 5 && c === 'y')

describe('the model given the rules', () => {
  it('is what is drawn without a condition, values included', async () => {
    const { counts } = await drawn({ constraints, rows: 60_000 })
    expect(fit(counts, truthOf(isKept))).toBeGreaterThan(alarm)
  })

  it('is what is drawn under a condition, and what its support is a share of', async () => {
    const isMet = ([a, , b, c]: Row) => (a >= 1 && c !== 'x') || b === null
    const { counts, conditioned } = await drawn({
      constraints,
      where: '(a >= 1 AND c != x) OR b IS MISSING',
      rows: 30_000,
    })
    expect(
      fit(
        counts,
        truthOf((row) => isKept(row) && isMet(row)),
        0.5,
      ),
    ).toBeGreaterThan(alarm)
    const kept = everyRow.filter(isKept)
    const sum = (rows: readonly Row[]) => rows.reduce((total, row) => total + massOf(row), 0)
    const support = sum(kept.filter(isMet)) / sum(kept)
    expect(Math.abs(conditioned!.support - support)).toBeLessThan(5 * conditioned!.supportError + 0.02 * support)
  })

  it('is nearly met where the rules leave one row in two thousand', async () => {
    const rules = ['c = z', 'a < b', 'IF sex = f THEN b IS MISSING OR b > 3']
    const { counts } = await drawn({ constraints: rules, rows: 20_000, rare: 1e-3 })
    const truth = truthOf(([a, sex, b, c]) => c === 'z' && (b === null || (a < b && (sex === 'm' || b > 3))), 1e-3)
    expect([...counts.keys()].filter((key) => !truth.has(key))).toEqual([])
    const distance =
      [...truth].reduce((sum, [key, share]) => sum + Math.abs((counts.get(key) ?? 0) / 20_000 - share), 0) / 2
    expect(distance).toBeLessThan(0.04)
  })
})

describe('what would be seen of', () => {
  const truth = truthOf(isKept)

  it('a model drawn without its rules', async () => {
    const plain = modelOf()
    await expect(drawn({ constraints: ['c != z'], rows: 1000, model: () => plain })).rejects.toMatchObject({
      code: 'CONSTRAINT_BROKEN',
    })
  })

  it('weights of the walk that are left out', async () => {
    const unweighted = (ruled: Generator): Generator => ({
      ...ruled,
      walk: () => {
        const { logits, start, take } = ruled.walk()
        return { logits, start, take }
      },
    })
    const where = 'a >= 0 AND c IN (x, y, z) AND b >= 0'
    const met = truthOf((row) => isKept(row) && row[2] !== null)
    expect(fit((await drawn({ constraints, where, rows: 30_000 })).counts, met, 0.5)).toBeGreaterThan(alarm)
    expect(fit((await drawn({ constraints, where, rows: 30_000, model: unweighted })).counts, met, 0.5)).toBeLessThan(
      alarm,
    )
  })

  it('values that are changed after they were judged', async () => {
    const rounded = (of: RowValues): RowValues => ({
      draw: (...drawing) => {
        const value = of.draw(...drawing)
        return (row, column) => {
          const exact = value(row, column)
          return column === 0 && typeof exact === 'number' ? Math.min(6, 2 * Math.ceil(exact / 2)) : exact
        }
      },
    })
    expect(fit((await drawn({ constraints, rows: 2000, place: rounded })).counts, truth)).toBe(0)
  })
})
