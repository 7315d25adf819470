import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { type Engine, loadEngine } from '../../tensor/engine.ts'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import type { Batch, FamilyStudy, FamilyTraining } from '../family.ts'
import { encodeGrouping, groupingOf } from '../grouping.ts'
import { ganFamily } from './family.ts'
import { initialNet } from './generator-net.ts'
import { ganPlanOf } from './plan.ts'
import { ganSchema } from './schema.ts'
import { GanTraining } from './training.ts'
import { initialState } from './training-state.ts'

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'wasm' })
})

const column = (name: string, size: number, extra: object = {}): ColumnSpec => ({
  name,
  kind: 'categorical',
  levels: Array.from({ length: size }, (_, i) => `${name}${i}`),
  ordered: false,
  numeric_text: false,
  missing: 'refuse',
  other: 'refuse',
  ...extra,
})
const small = {
  draws: 60,
  hidden: 16,
  latents: 4,
  generator_steps: 120,
  steps: 6,
  sampling_rate: 1,
  learning_rate: 0.03,
}
const studyWith = (columns: readonly ColumnSpec[], settings: object = {}): FamilyStudy => ({
  columns: [...columns],
  family: ganSchema.parse({ name: 'gan', ...small, ...settings }),
  privacy: { unit: 'row', epsilon: 1, delta: 1e-5 },
  sites: [],
})

/** Rows of three classes; every column depends on the class alone. */
const sizes = [4, 3, 5, 2]
const columns = sizes.map((size, j) => column('abcd'[j]!, size, { ordered: j === 2 }))
const layout = layoutOf(sizes)
const planted = (rows: number, seed: number): Uint16Array => {
  const random = counterRandom(seed, 7)
  const cells = new Uint16Array(rows * sizes.length)
  for (let r = 0; r < rows; r++) {
    const z = Math.floor(random.uniform(r, 0) * 3)
    sizes.forEach((size, j) => {
      const spread = random.uniform(r, 1 + j) ** 4
      cells[r * sizes.length + j] = (Math.floor(spread * size) + Math.floor((z * size) / 3) + j) % size
    })
  }
  return cells
}
const batchOf = (cells: Uint16Array, count: number): Batch => ({
  cells,
  drawn: cells.length / count,
  rowsPerUnit: null,
  counts: null,
})
const norm = (vector: Float64Array) => Math.hypot(...vector)
const minus = (one: Float64Array, other: Float64Array) => one.map((value, i) => value - other[i]!)

/** The whole study with noise of `noise` clip norms a release. */
const trained = async (
  study: FamilyStudy,
  cells: Uint16Array,
  noise: number,
  seed: number,
): Promise<FamilyTraining> => {
  let training = ganFamily.initial(study, seed)
  for (const [index, query] of ganFamily.queries(study).entries())
    for (let within = 0; within < query.steps; within++) {
      const announced = training.announce({ index, within })
      const batch = batchOf(cells, study.columns.length)
      const { sum } = ganFamily.clippedSum(study, index, announced, engine)(batch)
      const random = counterRandom(seed, 20 + 10 * index + within)
      const deviation = noise * query.clipNorm
      training = await training.after(
        { index, within, steps: query.steps, divisor: cells.length / study.columns.length, noise: deviation },
        sum.map((value, i) => value + deviation * random.normal(i, 0)),
      )
    }
  return training.finish()
}

/** Mean total variation distance of all pairs of columns. */
const distanceOfPairs = (a: Uint16Array, b: Uint16Array): number => {
  const count = sizes.length
  const shares = [a, b].map((rows) => {
    const matrix = new Float64Array(layout.cells ** 2)
    for (let r = 0; r < rows.length; r += count)
      for (let i = 0; i < count; i++)
        for (let j = i + 1; j < count; j++)
          matrix[(layout.offsets[i]! + rows[r + i]!) * layout.cells + layout.offsets[j]! + rows[r + j]!]! +=
            count / rows.length
    return matrix
  })
  const all = shares[0]!.reduce((sum, share, i) => sum + Math.abs(share - shares[1]![i]!) / 2, 0)
  return all / ((count * (count - 1)) / 2)
}
const shuffledColumns = (cells: Uint16Array): Uint16Array => {
  const rows = cells.length / sizes.length
  return cells.map((_, at) => {
    const j = at % sizes.length
    return cells[((Math.floor(at / sizes.length) + j * 811) % rows) * sizes.length + j]!
  })
}

describe('a gan from noisy sums', () => {
  const truth = planted(8000, 1)
  const independent = distanceOfPairs(shuffledColumns(truth), truth)

  it.each([
    ['with hardly any noise', 0.01, 6],
    ['with noise', 20, 3],
  ])('%s comes far nearer to dependent data than independent columns', async (_name, noise, times) => {
    const generator = (await trained(studyWith(columns), truth, noise, 3)).release()
    const drawn = generator.drawRows(counterRandom(1, 1), 0, 8000)
    expect(independent).toBeGreaterThan(0.15)
    expect(distanceOfPairs(drawn, truth)).toBeLessThan(independent / times)
  })

  it('where there is nothing but noise keeps columns independent', async () => {
    const training = await trained(studyWith(columns), truth.subarray(0, 4 * 300), 300, 3)
    const drawn = training.release().drawRows(counterRandom(1, 1), 0, 8000)
    expect(distanceOfPairs(drawn, shuffledColumns(drawn))).toBeLessThan(0.1)
  })

  it('says how it goes: sound here, null before any round', async () => {
    expect(ganFamily.initial(studyWith(columns), 1).health?.()).toBeNull()
    expect((await trained(studyWith(columns), truth, 1, 3)).health?.()).toMatchObject({
      isSound: true,
      words: expect.stringMatching(/^no mode collapse/),
    })
  })

  it('warns where its generator has collapsed onto one level of a column, whatever its conditions force', () => {
    const study = studyWith(columns)
    const plan = ganPlanOf(study)
    const shares = Float64Array.from(sizes.flatMap((size) => Array.from({ length: size }, () => 1 / size)))
    const trainingOf = (bias: number) => {
      const generator = initialNet(plan.generator, shares, 1)
      generator[plan.generator.outputBias + layout.offsets[2]! + 1]! += bias
      return new GanTraining(study, {
        ...initialState(plan, 1),
        shares,
        units: 100,
        rounds: 1,
        pairVariance: 1,
        generator,
      })
    }
    expect(trainingOf(0).health()?.isSound).toBe(true)
    const health = trainingOf(12).health()
    expect(health).toMatchObject({ isSound: false, words: expect.stringMatching(/^MODE COLLAPSE in c: .* 20 %/) })
  })

  it('of a table of one column is that column, and asks nothing else', async () => {
    const study = studyWith([column('a', 4)])
    expect(ganFamily.queries(study).map(({ kind, share }) => [kind, share])).toEqual([['marginals', null]])
    const cells = Uint16Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 3 : 1))
    const generator = (await trained(study, cells, 0.01, 3)).release()
    const threes = generator.drawRows(counterRandom(1, 1), 0, 10_000).filter((code) => code === 3).length
    expect(Math.abs(threes / 10_000 - 0.1)).toBeLessThan(0.03)
  })

  it('merges levels, and gives them back by their shares', async () => {
    const generator = (await trained(studyWith(columns, { most_levels: 3 }), truth, 0.01, 3)).release()
    expect(generator.layout.sizes).toEqual([3, 3, 3, 2])
    expect(generator.levels.map((cells) => cells?.parent.length ?? null)).toEqual([4, null, 5, null])
  })

  it('has three columns learn what no pair shows, through the hidden units of its critic', async () => {
    // c = a xor b: any two are independent.
    const cells = new Uint16Array(3 * 4000)
    const random = counterRandom(1, 1)
    for (let r = 0; r < 4000; r++) {
      const [a, b] = [random.uniform(r, 0) < 0.5 ? 0 : 1, random.uniform(r, 1) < 0.5 ? 0 : 1]
      cells.set([a, b, a ^ b], 3 * r)
    }
    const bits = ['a', 'b', 'c'].map((name) => column(name, 2))
    const odd = async (hidden: number) => {
      const settings = {
        critic_hidden: hidden,
        pairs_share: 0.2,
        steps: 30,
        generator_steps: 450,
        critic_learning_rate: 0.05,
      }
      const drawn = (await trained(studyWith(bits, settings), cells, 0.01, 3))
        .release()
        .drawRows(counterRandom(1, 1), 0, 4000)
      let odds = 0
      for (let at = 0; at < drawn.length; at += 3) odds += drawn[at]! ^ drawn[at + 1]! ^ drawn[at + 2]!
      return odds / 4000
    }
    expect(await odd(0)).toBeGreaterThan(0.3)
    expect(await odd(16)).toBeLessThan(0.2)
  })
})

describe('its training', () => {
  const study = studyWith(columns, { most_levels: 4, critic_hidden: 3, steps: 2 })
  const step = { index: 0, within: 0, steps: 1, divisor: 300, noise: 1 }

  it('survives being stored at every step, bit for bit, and no step changes what was there before', async () => {
    const cells = planted(300, 2)
    let training = ganFamily.initial(study, 5)
    for (const [index, query] of ganFamily.queries(study).entries())
      for (let within = 0; within < query.steps; within++) {
        const before = training.encode()
        const again = ganFamily.decodeTraining(study, before)
        expect(again.encode()).toEqual(before)
        const announced = training.announce({ index, within })
        expect(again.announce({ index, within })).toEqual(announced)
        const { sum } = ganFamily.clippedSum(study, index, announced, engine)(batchOf(cells, 4))
        const at = { index, within, steps: query.steps, divisor: 300, noise: 0.5 }
        const next = await training.after(at, sum)
        expect((await again.after(at, sum)).encode()).toEqual(next.encode())
        expect((await training.after(at, sum)).encode()).toEqual(next.encode())
        expect(training.encode()).toEqual(before)
        expect(next.encode()).not.toEqual(before)
        training = next
      }
    expect(ganFamily.decodeTraining(study, training.encode()).release().encode()).toEqual(training.release().encode())
    expect(ganFamily.initial(study, 6).encode()).not.toEqual(ganFamily.initial(study, 5).encode())
  })

  it('refuses sums of another length or not finite, gradients before marginals, and bytes of another study', async () => {
    const training = ganFamily.initial(study, 1)
    for (const sum of [new Float64Array(3), new Float64Array(layout.cells).fill(Number.NaN)])
      await expect(training.after(step, sum)).rejects.toMatchObject({ code: 'AGGREGATE_INVALID' })
    const gradient = new Float64Array(ganFamily.queries(study)[1]!.dimension)
    await expect(training.after({ ...step, index: 1 }, gradient)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    const refused = expect.objectContaining({ code: 'STATE_CORRUPT' })
    for (const bytes of [training.encode().subarray(1), training.encode().with(60, 7), new Uint8Array()])
      expect(() => ganFamily.decodeTraining(study, bytes)).toThrow(refused)
    expect(() => ganFamily.decodeTraining(studyWith(columns, { hidden: 5 }), training.encode())).toThrow(refused)
  })

  it('R14 announces as many numbers as it says, and a site refuses others before any row', () => {
    const training = ganFamily.initial(study, 1)
    const refused = expect.objectContaining({ code: 'ROUND_REFUSED' })
    for (const [index, query] of ganFamily.queries(study).entries()) {
      const announced = training.announce({ index, within: 0 })
      expect(announced).toHaveLength(query.announced)
      const asked = (numbers: Float32Array) => () => ganFamily.clippedSum(study, index, numbers, engine)
      expect(asked(announced)).not.toThrow()
      if (query.announced > 0) expect(asked(announced.slice(1))).toThrow(refused)
      expect(asked(new Float32Array(query.announced + 1))).toThrow(refused)
      for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1])
        if (query.announced > 0) expect(asked(announced.with(-1, wrong))).toThrow(refused)
      for (const wrong of [Number.NaN, Number.NEGATIVE_INFINITY])
        if (query.announced > 0) expect(asked(announced.with(0, wrong))).toThrow(refused)
      if (query.announced > 0) expect(asked(announced.with(-1, 4))).toThrow(refused)
    }
    expect(() => ganFamily.clippedSum(study, 2, new Float32Array(0), engine)).toThrow(refused)
  })

  it('refuses settings that do not fit the table', () => {
    const refused = expect.objectContaining({ code: 'ARGUMENT_INVALID' })
    expect(() => ganFamily.queries(studyWith(columns, { outcome: 'nothing' }))).toThrow(refused)
    expect(() => ganFamily.queries(studyWith(columns, { most_pairs: 5 }))).toThrow(refused)
    const few = ganFamily.queries(studyWith(columns, { most_pairs: 40 }))[1]!
    expect(few.dimension).toBeLessThanOrEqual(40)
  })
})

describe("a hospital's part", () => {
  const study = studyWith(columns, { most_levels: 3, critic_hidden: 4, outcome: 'd' })
  const grouping = groupingOf(
    study.columns,
    [3, 3, 3, 2],
    Float64Array.from({ length: layout.cells }, (_, i) => i + 1),
  )
  const queries = ganFamily.queries(study)
  const announcedFor = (index: number, seed: number) => {
    const map = encodeGrouping(grouping)
    const random = counterRandom(seed, 3)
    const numbers = Float32Array.from({ length: queries[index]!.announced }, (_, i) => 3 * random.normal(i, 0))
    if (index === 1) numbers.set(map, numbers.length - map.length)
    return numbers
  }
  const row = fc.tuple(...sizes.map((size) => fc.nat(size - 1)))
  const unit = fc.array(row, { minLength: 1, maxLength: 4 })
  const units = fc.array(unit, { maxLength: 5 })

  test.prop([units, unit, fc.nat(100)], { numRuns: 60 })(
    'moves by at most the clip norm with one unit more, of however many rows',
    (others, one, seed) => {
      for (const [index, query] of queries.entries()) {
        // Marginals take all rows of a unit, gradients the one that was drawn.
        const taken = (of: typeof others) => (index === 0 ? of : of.map((rows) => rows.slice(0, 1)))
        const sumOf = (of: typeof others) => {
          const all = taken(of)
          return ganFamily.clippedSum(
            study,
            index,
            announcedFor(index, seed),
            engine,
          )({
            cells: Uint16Array.from(all.flat(2)),
            drawn: all.flat().length,
            rowsPerUnit: index === 0 ? Uint32Array.from(all, (rows) => rows.length) : null,
            counts: null,
          }).sum
        }
        const before = sumOf(others)
        const after = sumOf([...others, one])
        expect(norm(minus(after, before))).toBeLessThanOrEqual(query.clipNorm)
        expect(norm(minus(after, before))).toBeGreaterThan(0.5 * query.clipNorm)
      }
    },
  )

  test.prop([fc.array(row, { minLength: 1, maxLength: 6 }), fc.array(row, { maxLength: 4 }), fc.nat(100)], {
    numRuns: 30,
  })('has nothing of padding, nor of rows that do not count', (rows, padding, seed) => {
    const clipped = ganFamily.clippedSum(study, 1, announcedFor(1, seed), engine)
    const cells = Uint16Array.from([...rows, ...padding].flat())
    const alone = clipped(batchOf(Uint16Array.from(rows.flat()), 4)).sum
    const batch = { cells, drawn: rows.length, rowsPerUnit: null }
    expect(clipped({ ...batch, counts: null }).sum).toEqual(alone)
    const counts = Uint8Array.from([...rows.map(() => 1), ...padding.map(() => 0)])
    expect(clipped({ ...batch, drawn: cells.length / 4, counts }).sum).toEqual(alone)
  })

  it('sees levels of one group alike, and no coordinate passes the reach that room is kept for', () => {
    const clipped = ganFamily.clippedSum(study, 1, announcedFor(1, 1), engine)
    const sumAt = (codes: readonly number[]) => clipped(batchOf(Uint16Array.from(codes), 4)).sum
    expect(grouping.map[0]).toBe(grouping.map[1])
    expect(sumAt([0, 1, 2, 0])).toEqual(sumAt([1, 1, 2, 0]))
    expect(sumAt([0, 1, 2, 0])).not.toEqual(sumAt([0, 2, 2, 0]))
    const pairs = 3 * 3 * 3 + 3 * 3 * 2
    const most = Math.max(...sumAt([0, 1, 2, 0]).subarray(0, pairs).map(Math.abs))
    expect(queries[1]!.reach).toBeGreaterThan(0)
    expect(most).toBeCloseTo(queries[1]!.reach!, 12)
  })
})
