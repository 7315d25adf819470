import { readdirSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Batch, contractBreaches, familyQueries, type FamilyQuery } from '../../test/harness/family-contract.ts'
import { parseStudy } from '../study/manifest.ts'
import { familySchema } from '../study/study-schema.ts'
import { type Engine, loadEngine } from '../tensor/engine.ts'
import { clippedSum } from './clipped-sum.ts'

let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'wasm' })
})

const names = [...familySchema.shape.name.values]
const batches = fc.array(
  fc.array(fc.tuple(fc.nat(2), fc.nat(1), fc.nat(3), fc.nat(1)), { minLength: 1, maxLength: 3 }),
  {
    maxLength: 8,
  },
)
const batchFor = ({ rowsPerPatient }: FamilyQuery, patients: readonly (readonly (readonly number[])[])[]): Batch =>
  patients.map((rows) => rows.slice(0, rowsPerPatient).map((row) => Uint16Array.from(row)))

describe('R23 every family', () => {
  it('has a folder of its own, stands in the study schema, and goes through this contract', () => {
    const here = new URL('.', import.meta.url)
    const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map(({ name }) => name).sort()).toEqual(names.toSorted())
    expect(Object.keys(familyQueries(engine)).sort()).toEqual(names.toSorted())
  })

  property.prop([batches, batches, fc.nat()], { numRuns: 40 })(
    'adds up patients: no batch normalisation, no packing, nothing remembered from real rows',
    (patients, others, seed) => {
      for (const query of Object.values(familyQueries(engine)).flat())
        expect(contractBreaches(query, batchFor(query, patients), batchFor(query, others), seed), query.name).toEqual(
          [],
        )
    },
  )

  it('that does not exist is refused by the study schema', () => {
    const study = (name: string) => `tributary: study/1
name: family
purpose: test
source: { format: csv }
columns: [{ name: a, kind: categorical, levels: [x, y] }]
privacy: { unit: row, most_rows_per_patient: 1, epsilon: 1, delta: 1.0e-5 }
family: { name: ${name} }
sites: [{ name: n, promised_patients: 9, promised_rows: 9 }, { name: o, promised_patients: 9, promised_rows: 9 }, { name: p, promised_patients: 9, promised_rows: 9 }]
`
    for (const name of names) expect(() => parseStudy(study(name), 'family.yaml')).not.toThrow()
    for (const name of ['gan', 'ctgan', 'autoregressive2'])
      expect(() => parseStudy(study(name), 'family.yaml')).toThrow(
        expect.objectContaining({
          code: 'MANIFEST_INVALID',
          findings: [expect.objectContaining({ path: ['family', 'name'] })],
        }),
      )
  })
})

describe('R23 the contract notices', () => {
  const patients: Batch = [[Uint16Array.of(0, 1, 2, 0)], [Uint16Array.of(2, 0, 3, 1)], [Uint16Array.of(1, 1, 0, 0)]]
  const breachesOf = (change: (honest: FamilyQuery) => FamilyQuery['sum']) => {
    const honest = familyQueries(engine).autoregressive.find(({ name }) => name === 'gradient')!
    return contractBreaches({ ...honest, sum: change(honest) }, patients, patients.slice(1), 1)
  }
  const scaled = (vector: Float64Array, factor: number) => vector.map((value) => value * factor)

  it('batch normalisation', () => {
    const found = breachesOf(({ sum }) => (announced, batch) => {
      const { sum: vector, sensitivity } = sum(announced, batch)
      return clippedSum(scaled(vector, 1 / Math.max(1, Math.hypot(...vector))), sensitivity)
    })
    expect(found).toContain('the sum is not the sum of its patients')
    expect(found).toContain('a patient counts otherwise among others')
  })

  it('two patients packed into one input', () => {
    const found = breachesOf(({ sum }) => (announced, batch) => {
      const packed = batch.filter((_, i) => i % 2 === 0 && i + 1 < batch.length)
      return sum(announced, packed)
    })
    expect(found).toContain('the sum is not the sum of its patients')
  })

  it('frequencies of real rows that steer later draws', () => {
    let seen = 0
    const found = breachesOf(({ sum }) => (announced, batch) => {
      seen += batch.length
      const { sum: vector, sensitivity } = sum(announced, batch)
      return clippedSum(scaled(vector, 1 / (1 + 1e-6 * seen)), sensitivity)
    })
    expect(found).toContain('an earlier table is remembered')
  })

  it('a vector longer than declared', () => {
    const found = breachesOf(({ sum }) => (announced, batch) => {
      const { sum: vector, sensitivity } = sum(announced, batch)
      return clippedSum(scaled(vector, 3), sensitivity)
    })
    expect(found).toContain('a patient alone is longer than declared')
  })
})
