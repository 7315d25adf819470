import { readdirSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  contractBreaches,
  contractQueries,
  type ContractQuery,
  familyNames,
  noiseTraining,
  smallSizes,
  smallStudy,
  type Units,
} from '../../test/harness/family-contract.ts'
import { loadTestEngine } from '../../test/harness/test-engine.ts'
import { parseStudy } from '../study/manifest.ts'
import type { Engine } from '../tensor/engine.ts'
import { clippedSum } from './clipped-sum.ts'
import { counterRandom } from './counter-random.ts'
import { decodeGenerator, families, familyOf } from './families.ts'

let engine: Engine
/** Every query of every family, with a group for each level and with few. */
let queries: ContractQuery[]
beforeAll(async () => {
  engine = await loadTestEngine()
  queries = []
  for (const family of families)
    for (const groups of [64, 3])
      queries.push(...(await contractQueries(family, smallStudy(family.name, groups), engine)))
})

const row = fc.tuple(...smallSizes.map((size) => fc.nat(size - 1))).map((codes) => Uint16Array.from(codes))
const tables: fc.Arbitrary<Units> = fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { maxLength: 6 })

const refusal = (code: string) => expect.objectContaining({ code })

const three: Units = [
  [Uint16Array.of(0, 1, 2, 0), Uint16Array.of(0, 1, 5, 1), Uint16Array.of(2, 1, 4, 1)],
  [Uint16Array.of(2, 0, 3, 1)],
  [Uint16Array.of(1, 1, 0, 0), Uint16Array.of(1, 0, 1, 0)],
]

describe('R23 every family', () => {
  it('has a folder of its own, stands in the study schema and in the registry, and goes through this contract', () => {
    const here = new URL('.', import.meta.url)
    const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const names = new Set<string>(familyNames)
    // `auto` asks nothing: it stands for another family when a study file is read.
    expect(new Set(folders.map(({ name }) => name))).toEqual(new Set([...names, 'auto']))
    expect(new Set(families.map(({ name }) => name))).toEqual(names)
    expect(new Set(queries.map(({ name }) => name)).size).toBe(2 * names.size)
  })

  property.prop([tables, tables, fc.nat()], { numRuns: 25 })(
    'R10 adds up patients: no batch normalisation, no packing, no weight by rows, nothing remembered from real rows',
    (units, others, seed) => {
      for (const query of queries) expect(contractBreaches(query, units, others, seed), query.name).toEqual([])
    },
  )

  it('R10 keeps the contract at three patients of one and of several rows', () => {
    for (const query of queries)
      for (const seed of [0, 1, 2]) expect(contractBreaches(query, three, three.slice(1), seed), query.name).toEqual([])
  })

  it('R14 refuses announced numbers of another length or not finite before any row is read', () => {
    for (const family of families) {
      const study = smallStudy(family.name, 3)
      family.queries(study).forEach(({ announced: length }, index) => {
        const good = family.initial(study, 1).announce({ index, within: 0 })
        expect(good.length).toBe(length)
        expect(() => family.clippedSum(study, index, good, engine)).not.toThrow()
        const unfit = [new Float32Array(length + 1), new Float32Array(Math.max(0, length - 1))].filter(
          (numbers) => numbers.length !== length,
        )
        if (length > 0)
          for (const place of [0, length - 1])
            for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
              unfit.push(good.map((number, i) => (i === place ? value : number)))
        for (const numbers of unfit)
          expect(() => family.clippedSum(study, index, numbers, engine)).toThrowError(refusal('ROUND_REFUSED'))
      })
      const beyond = family.queries(study).length
      expect(() => family.clippedSum(study, beyond, new Float32Array(0), engine)).toThrowError(refusal('ROUND_REFUSED'))
    }
  })

  it.each(familyNames)(
    '%s: a training comes back from its bytes at every stage and goes on as it would have',
    async (name) => {
      const family = familyOf(name)
      const study = smallStudy(name, 3)
      const [{ stages, training }, again] = [
        await noiseTraining(family, study, 5),
        await noiseTraining(family, study, 5),
      ]
      const steps = family
        .queries(study)
        .flatMap(({ steps: count, ...query }, index) =>
          Array.from({ length: count }, (_, within) => ({ index, within, steps: count, dimension: query.dimension })),
        )
      for (const [at, stage] of stages.entries()) {
        const bytes = stage.encode()
        expect(again.stages[at]!.encode()).toEqual(bytes)
        const back = family.decodeTraining(study, bytes)
        expect(back.encode()).toEqual(bytes)
        const next = steps[at]
        if (next === undefined) continue
        expect(back.announce(next)).toEqual(stage.announce(next))
        const sum = new Float64Array(next.dimension).fill(70)
        const step = { ...next, divisor: 300, noise: 5 }
        expect((await back.after(step, sum)).encode()).toEqual((await stage.after(step, sum)).encode())
        for (const unfit of [sum.subarray(1), sum.map((value, i) => (i === 1 ? Number.NaN : value))])
          await expect(stage.after(step, unfit)).rejects.toThrowError(refusal('AGGREGATE_INVALID'))
      }
      const other = smallStudy(name, 64)
      const broken = training.encode()
      broken[broken.length - 40]! ^= 1
      for (const [of, bytes] of [
        [other, training.encode()],
        [study, broken],
        [study, new Uint8Array(7)],
      ] as const)
        expect(() => family.decodeTraining(of, bytes)).toThrowError(refusal('STATE_CORRUPT'))
    },
  )

  it.each(familyNames)(
    '%s: finishing twice is finishing once, and its generator comes back from its bytes',
    async (name) => {
      const family = familyOf(name)
      const study = smallStudy(name, 3)
      const { training } = await noiseTraining(family, study, 5)
      const finished = await training.finish()
      const bytes = finished.encode()
      expect((await finished.finish()).encode()).toEqual(bytes)
      const restarted = family.decodeTraining(study, training.encode())
      expect((await restarted.finish()).encode()).toEqual(bytes)
      const generator = finished.release()
      const back = decodeGenerator(generator.encode())
      expect([back.family, back.encode()]).toEqual([name, generator.encode()])
      const random = counterRandom(9, 1)
      const rows = generator.drawRows(random, 0, 40)
      expect(back.drawRows(random, 0, 40)).toEqual(rows)
      expect(back.levels.length).toBe(smallSizes.length)
      const walk = back.walk()
      walk.start()
      for (let column = 0; column < smallSizes.length; column++) {
        const { offsets } = back.layout
        expect(walk.logits.subarray(offsets[column]!, offsets[column + 1]!).every(Number.isFinite)).toBe(true)
        walk.take(column, 0)
      }
    },
  )

  it('that does not exist is refused by the study schema, and by the registry', () => {
    const study = (name: string) => `tributary: study/1
name: family
purpose: test
source: { format: csv }
columns: [{ name: a, kind: categorical, levels: [x, y] }, { name: b, kind: categorical, levels: [x, y] }]
privacy: { unit: row, most_rows_per_patient: 1, epsilon: 1, delta: 1.0e-5 }
family: { name: ${name} }
sites: [{ name: n, promised_patients: 9, promised_rows: 9 }, { name: o, promised_patients: 9, promised_rows: 9 }, { name: p, promised_patients: 9, promised_rows: 9 }]
`
    for (const name of [...familyNames, 'auto']) expect(() => parseStudy(study(name), 'family.yaml')).not.toThrow()
    for (const name of ['ctgan', 'mixtures', 'autoregressive2'])
      expect(() => parseStudy(study(name), 'family.yaml')).toThrow(
        expect.objectContaining({
          code: 'MANIFEST_INVALID',
          findings: [expect.objectContaining({ path: ['family', 'name'] })],
        }),
      )
    expect(() => familyOf('auto' as 'gan')).toThrowError(refusal('ARGUMENT_INVALID'))
    for (const line of ['{"format":"tributary auto model 1"}\n', 'rows', ''])
      expect(() => decodeGenerator(Buffer.from(line))).toThrowError(refusal('STATE_CORRUPT'))
  })
})

describe('R23 the contract notices', () => {
  const breachesOf = (
    kind: ContractQuery['query']['kind'],
    change: (honest: ContractQuery) => ContractQuery['sum'],
  ) => {
    const honest = queries.find(({ query }) => query.kind === kind)
    if (honest === undefined) throw new Error(`no family asks for ${kind}`)
    return contractBreaches({ ...honest, sum: change(honest) }, three, three.slice(1), 1)
  }
  const scaled = (vector: Float64Array, factor: number) => vector.map((value) => value * factor)

  it('batch normalisation', () => {
    const found = breachesOf('gradient', ({ sum }) => (announced, batch) => {
      const { sum: vector, sensitivity } = sum(announced, batch)
      return clippedSum(scaled(vector, 1 / Math.max(1, Math.hypot(...vector))), sensitivity)
    })
    expect(found).toContain('the sum is not the sum of its patients')
    expect(found).toContain('a patient counts otherwise among others')
  })

  it('two patients packed into one input', () => {
    const found = breachesOf('gradient', ({ sum }) => (announced, batch) => {
      const packed = batch.filter((_, i) => i % 2 === 0 && i + 1 < batch.length)
      return sum(announced, packed)
    })
    expect(found).toContain('the sum is not the sum of its patients')
  })

  it('frequencies of real rows that steer later draws', () => {
    let seen = 0
    const found = breachesOf('gradient', ({ sum }) => (announced, batch) => {
      seen += batch.length
      const { sum: vector, sensitivity } = sum(announced, batch)
      return clippedSum(scaled(vector, 1 / (1 + 1e-6 * seen)), sensitivity)
    })
    expect(found).toContain('an earlier table is remembered')
  })

  it.each(['marginals', 'pairs', 'gradient'] as const)('a vector of %s longer than declared', (kind) => {
    const found = breachesOf(kind, ({ sum }) => (announced, batch) => {
      const { sum: vector, sensitivity } = sum(announced, batch)
      return clippedSum(scaled(vector, 3), sensitivity)
    })
    expect(found).toContain('a patient alone is longer than declared')
  })

  it.each(['marginals', 'pairs'] as const)('R17 %s that count every row of a patient in full', (kind) => {
    const found = breachesOf(
      kind,
      ({ sum }) =>
        (announced, batch, padding) =>
          sum(
            announced,
            batch.flatMap((rows) => rows.map((row) => [row])),
            padding,
          ),
    )
    expect(found).toContain('a patient with twice the rows counts otherwise')
  })

  it.each(['marginals', 'pairs', 'gradient'] as const)('R10 padding of %s that counts', (kind) => {
    const found = breachesOf(
      kind,
      ({ sum }) =>
        (announced, batch, padding = 0) =>
          sum(announced, [...batch, ...Array.from({ length: padding }, () => [Uint16Array.of(0, 0, 0, 0)])]),
    )
    expect(found).toContain('padding counts')
  })
})
