import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Generator } from '../../generator/generator.ts'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { type Engine, loadEngine } from '../../tensor/engine.ts'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import type { Batch, FamilyStudy, FamilyTraining } from '../family.ts'
import { mixtureFamily } from './family.ts'
import { mixtureSchema } from './schema.ts'

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
const studyWith = (columns: readonly ColumnSpec[], settings: object = {}): FamilyStudy => ({
  columns: [...columns],
  family: mixtureSchema.parse({ name: 'mixture', components: 60, fit_steps: 120, residual_rounds: 1, ...settings }),
  privacy: { unit: 'row', epsilon: 1, delta: 1e-5 },
  sites: [],
})

/** Rows of a latent class model: three classes, every column depends on the class alone. */
const plantedSizes = [4, 3, 6, 2, 5, 12]
const plantedColumns = plantedSizes.map((size, j) => column('abcdef'[j]!, size, { ordered: j === 5 }))
const layout = layoutOf(plantedSizes)
const planted = (rows: number, seed: number): Uint16Array => {
  const random = counterRandom(seed, 7)
  const cells = new Uint16Array(rows * plantedSizes.length)
  for (let r = 0; r < rows; r++) {
    const z = Math.floor(random.uniform(r, 0) * 3)
    plantedSizes.forEach((size, j) => {
      const spread = random.uniform(r, 1 + j) ** 4
      cells[r * plantedSizes.length + j] = (Math.floor(spread * size) + Math.floor((z * size) / 3) + j) % size
    })
  }
  return cells
}
const rowsBatch = (cells: Uint16Array, columns: number): Batch => ({
  cells,
  drawn: cells.length / columns,
  rowsPerUnit: null,
  counts: null,
})

/** The whole study with noise as a plan of zCDP `rho` without spares makes it. Tiny rho: nothing but noise. */
const trained = async (study: FamilyStudy, cells: Uint16Array, mu: number, seed: number): Promise<FamilyTraining> => {
  const columns = study.columns.length
  const queries = mixtureFamily.queries(study)
  let training = mixtureFamily.initial(study, seed)
  for (const [index, query] of queries.entries()) {
    const spent = queries.reduce((sum, { share }) => sum + (share ?? 0), 0)
    const share = query.share ?? 1 - spent
    const noise = (query.clipNorm / (mu * Math.sqrt(share))) * Math.sqrt(query.steps)
    for (let within = 0; within < query.steps; within++) {
      const announced = training.announce({ index, within })
      const { sum } = mixtureFamily.clippedSum(study, index, announced, engine)(rowsBatch(cells, columns))
      const random = counterRandom(seed, 20 + 10 * index + within)
      const noisy = sum.map((value, i) => value + noise * random.normal(i, 0))
      training = await training.after(
        { index, within, steps: query.steps, divisor: cells.length / columns, noise },
        noisy,
      )
    }
  }
  return training
}

/** Mean total variation distance of all pairs of columns. */
const distanceOfPairs = (a: Uint16Array, b: Uint16Array): number => {
  const { sizes, offsets, cells } = layout
  const columns = sizes.length
  const shares = [a, b].map((rows) => {
    const matrix = new Float64Array(cells * cells)
    for (let r = 0; r < rows.length; r += columns)
      for (let i = 0; i < columns; i++)
        for (let j = i + 1; j < columns; j++)
          matrix[(offsets[i]! + rows[r + i]!) * cells + offsets[j]! + rows[r + j]!]! += columns / rows.length
    return matrix
  })
  const all = shares[0]!.reduce((sum, share, i) => sum + Math.abs(share - shares[1]![i]!) / 2, 0)
  return all / ((columns * (columns - 1)) / 2)
}
const shuffledColumns = (cells: Uint16Array): Uint16Array => {
  const columns = plantedSizes.length
  const rows = cells.length / columns
  return cells.map((_, at) => {
    const j = at % columns
    return cells[((Math.floor(at / columns) + j * 811) % rows) * columns + j]!
  })
}

describe('a mixture from noisy sums', () => {
  const muOfEpsilonOne = 0.268
  const truth = planted(40_000, 1)
  const rows = planted(5000, 2)

  it('comes near dependent data at epsilon 1, far nearer than independent columns', async () => {
    const study = studyWith(plantedColumns)
    const generator = (await (await trained(study, rows, muOfEpsilonOne, 3)).finish()).release()
    const independent = distanceOfPairs(shuffledColumns(truth), truth)
    const found = distanceOfPairs(generator.drawRows(counterRandom(1, 1), 0, 20_000), truth)
    expect(independent).toBeGreaterThan(0.15)
    expect(found).toBeLessThan(independent / 4)
  })

  it('is close to the data without noise, and more data is closer', async () => {
    const study = studyWith(plantedColumns, { residual_rounds: 2, fit_steps: 300 })
    const generator = (await (await trained(study, truth, 1000, 3)).finish()).release()
    expect(distanceOfPairs(generator.drawRows(counterRandom(1, 1), 0, 20_000), truth)).toBeLessThan(0.02)
  })

  it('falls back to the margins where there is nothing but noise', async () => {
    const study = studyWith(plantedColumns)
    const generator = (await (await trained(study, rows.subarray(0, 600), 0.02, 3)).finish()).release()
    const drawn = generator.drawRows(counterRandom(1, 1), 0, 5000)
    expect(drawn).toHaveLength(5000 * 6)
    expect(generator.marginals!.every((share) => share >= 0)).toBe(true)
  })

  it('merges levels, and gives them back by their shares', async () => {
    const study = studyWith(plantedColumns, { most_groups: 4, outcome: 'c' })
    const generator = (await (await trained(study, truth, 10, 3)).finish()).release()
    expect(generator.layout.sizes).toEqual([4, 3, 6, 2, 4, 4])
    expect(generator.levels.map((column) => column?.parent.length ?? null)).toEqual([null, null, null, null, 5, 12])
    const { parent, share } = generator.levels[5]!
    const last = generator.marginals!.subarray(generator.layout.offsets[5]!)
    const counts = new Float64Array(12)
    for (let at = 5; at < truth.length; at += 6) counts[truth[at]!]! += 6 / truth.length
    counts.forEach((wanted, level) => {
      expect(last[parent[level]!]! * share[level]!).toBeCloseTo(wanted, 2)
    })
  })

  it('of several releases is combined by inverse variance', async () => {
    const study = studyWith(plantedColumns, { steps: { marginals: 3, pairs: 4 } })
    const generator = (await (await trained(study, rows, muOfEpsilonOne, 3)).finish()).release()
    const independent = distanceOfPairs(shuffledColumns(truth), truth)
    expect(distanceOfPairs(generator.drawRows(counterRandom(1, 1), 0, 20_000), truth)).toBeLessThan(independent / 4)
  })

  it('of a table of one column is that column', async () => {
    const study = studyWith([column('a', 4)])
    expect(mixtureFamily.queries(study).map(({ kind, share }) => [kind, share])).toEqual([['marginals', null]])
    const cells = Uint16Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 3 : 1))
    const generator = (await (await trained(study, cells, 50, 3)).finish()).release()
    const threes = generator.drawRows(counterRandom(1, 1), 0, 10_000).filter((code) => code === 3).length
    expect(threes / 10_000).toBeCloseTo(0.1, 1)
  })
})

describe('its training', () => {
  const study = studyWith(plantedColumns, { fit_steps: 20, components: 10, most_groups: 4 })
  it('survives being stored, step by step, bit for bit', async () => {
    const one = await trained(study, planted(300, 2), 1, 5)
    const again = mixtureFamily.decodeTraining(study, one.encode())
    expect(again.encode()).toEqual(one.encode())
    expect((await again.finish()).release().encode()).toEqual((await one.finish()).release().encode())
  })

  it('is fitted once', async () => {
    const finished = await (await trained(study, planted(300, 2), 1, 5)).finish()
    expect((await finished.finish()).encode()).toEqual(finished.encode())
    const stored = mixtureFamily.decodeTraining(study, finished.encode())
    expect(await stored.finish()).toBe(stored)
    expect(() => mixtureFamily.initial(study, 1).release()).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
  })

  it('refuses sums of another length or not finite, and bytes of another study', async () => {
    const training = mixtureFamily.initial(study, 1)
    const step = { index: 0, within: 0, steps: 1, divisor: 300, noise: 1 }
    for (const sum of [new Float64Array(3), new Float64Array(layout.cells).fill(Number.NaN)])
      await expect(training.after(step, sum)).rejects.toMatchObject({ code: 'AGGREGATE_INVALID' })
    await expect(training.after({ ...step, index: 1 }, new Float64Array(3))).rejects.toMatchObject({
      code: 'AGGREGATE_INVALID',
    })
    const other = studyWith(plantedColumns, { most_groups: 3 })
    for (const bytes of [training.encode().subarray(1), training.encode().with(40, 7), new Uint8Array(0)])
      expect(() => mixtureFamily.decodeTraining(study, bytes)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    expect(() => mixtureFamily.decodeTraining(other, training.encode())).toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })

  it('announces as many numbers as it says, and no site takes others', () => {
    const training = mixtureFamily.initial(study, 1)
    for (const [index, query] of mixtureFamily.queries(study).entries()) {
      const announced = training.announce({ index, within: 0 })
      expect(announced).toHaveLength(query.announced)
      expect(() => mixtureFamily.clippedSum(study, index, announced, engine)).not.toThrow()
      for (const wrong of [
        new Float32Array(query.announced + 1),
        new Float32Array(query.announced + 1).fill(Number.NaN),
      ])
        expect(() => mixtureFamily.clippedSum(study, index, wrong, engine)).toThrow(
          expect.objectContaining({ code: 'ROUND_REFUSED' }),
        )
      const { sum } = mixtureFamily.clippedSum(study, index, announced, engine)(rowsBatch(planted(9, 1), 6))
      expect(sum).toHaveLength(query.dimension)
    }
    expect(() => mixtureFamily.clippedSum(study, 2, new Float32Array(0), engine)).toThrow(
      expect.objectContaining({ code: 'ROUND_REFUSED' }),
    )
  })

  it('refuses settings that do not fit the table', () => {
    expect(() => mixtureFamily.queries(studyWith(plantedColumns, { outcome: 'nothing' }))).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
    expect(() => mixtureFamily.queries(studyWith(plantedColumns, { most_groups: [3, 3] }))).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
  })
})

describe('its generator', () => {
  const study = studyWith(plantedColumns, { fit_steps: 60, components: 7 })
  let generator: Generator
  beforeAll(async () => {
    generator = (await (await trained(study, planted(3000, 2), 5, 5)).finish()).release()
  })

  /** One row drawn by a walk. */
  const walked = (seed: number, rows: number) => {
    const random = counterRandom(seed, 3)
    const walk = generator.walk()
    const cells = new Uint16Array(rows * 6)
    for (let r = 0; r < rows; r++) {
      walk.start()
      for (let j = 0; j < 6; j++) {
        const mass = [...walk.logits.subarray(layout.offsets[j]!, layout.offsets[j + 1]!)].map(Math.exp)
        let left = random.uniform(r, j) * mass.reduce((a, b) => a + b, 0)
        let code = 0
        while (code < mass.length - 1 && (left -= mass[code]!) > 0) code++
        cells[r * 6 + j] = code
        walk.take(j, code)
      }
    }
    return cells
  }

  it('walks by the same distribution that it draws rows from', () => {
    const drawn = generator.drawRows(counterRandom(9, 1), 0, 20_000)
    const noise = distanceOfPairs(drawn, generator.drawRows(counterRandom(10, 1), 0, 20_000))
    expect(distanceOfPairs(drawn, walked(1, 20_000))).toBeLessThan(0.02)
    expect(noise).toBeLessThan(0.02)
  })

  it('walks apart from other walks, whatever a reader does to a column that was read', () => {
    const [one, two] = [generator.walk(), generator.walk()]
    const read = (walk: typeof one, j: number) => [...walk.logits.subarray(layout.offsets[j]!, layout.offsets[j + 1]!)]
    one.start()
    two.start()
    const fresh = read(one, 0)
    one.logits.fill(99, 0, layout.offsets[1]!)
    one.take(0, 2)
    const second = read(one, 1)
    two.take(0, 1)
    expect(read(one, 1)).toEqual(second)
    one.start()
    expect(read(one, 0)).toEqual(fresh)
    one.take(0, 2)
    expect(read(one, 1)).toEqual(second)
  })

  it('walks on from codes that the data never had', () => {
    const walk = generator.walk()
    walk.start()
    for (let j = 0; j < 6; j++) {
      expect(walk.logits.subarray(layout.offsets[j]!, layout.offsets[j + 1]!).every(Number.isFinite)).toBe(true)
      walk.take(j, plantedSizes[j]! - 1)
    }
  })

  test.prop([fc.nat(1000), fc.nat(100_000), fc.integer({ min: 0, max: 60 })], { numRuns: 30 })(
    'draws rows that depend on their arguments alone, all inside the layout',
    (seed, first, rows) => {
      const cells = generator.drawRows(counterRandom(seed, 1), first, rows)
      expect(cells).toHaveLength(rows * 6)
      expect(generator.drawRows(counterRandom(seed, 1), first, rows)).toEqual(cells)
      cells.forEach((code, at) => {
        expect(code).toBeLessThan(plantedSizes[at % 6]!)
      })
    },
  )

  it('draws any row alike: the first rows of a block are no other population', () => {
    const heads = new Uint16Array(400 * 50 * 6)
    for (let i = 0; i < 400; i++)
      heads.set(generator.drawRows(counterRandom(11, 1), 1000 * i, 200).subarray(0, 300), i * 300)
    expect(distanceOfPairs(heads, generator.drawRows(counterRandom(12, 1), 0, 20_000))).toBeLessThan(0.02)
  })

  it('draws margins with less noise than independent draws', () => {
    const rows = 4000
    const share =
      generator.drawRows(counterRandom(5, 1), 0, 200_000).filter((code, at) => at % 6 === 3 && code === 1).length /
      200_000
    const off = Array.from({ length: 20 }, (_, i) => {
      const cells = generator.drawRows(counterRandom(i, 1), 0, rows)
      return cells.filter((code, at) => at % 6 === 3 && code === 1).length / rows - share
    })
    const spread = Math.sqrt(off.reduce((sum, value) => sum + value * value, 0) / off.length)
    expect(spread).toBeLessThan(0.5 * Math.sqrt((share * (1 - share)) / rows))
  })

  it('is stored bit for bit, and damaged bytes are refused', () => {
    const bytes = generator.encode()
    const again = mixtureFamily.decodeGenerator(bytes)
    expect(again.encode()).toEqual(bytes)
    expect(again.drawRows(counterRandom(1, 1), 0, 50)).toEqual(generator.drawRows(counterRandom(1, 1), 0, 50))
    for (const wrong of [
      bytes.with(bytes.length >> 1, 1 ^ bytes[bytes.length >> 1]!),
      bytes.subarray(0, -1),
      new Uint8Array(0),
    ])
      expect(() => mixtureFamily.decodeGenerator(wrong)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })
})
