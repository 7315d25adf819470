import { fc, test } from '@fast-check/vitest'
import { columnsOf, decodeCell, layoutOfColumns } from '@tributary/shared/schema/column'
import { columnSchema, type Manifest, sourceSchema } from '@tributary/shared/study/study-schema'
import { autoregressiveGenerator } from '@tributary/shared/synthesizers/autoregressive/generator'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import type { Generator } from '@tributary/shared/generator/generator'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { normSub } from '@tributary/shared/synthesizers/norm-sub'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { describe, expect, it } from 'vitest'
import { fitOf } from '../../test/harness/goodness-of-fit.ts'
import { cohortCsv } from './cohort-csv.ts'
import { type Cohort, openCohort, promisedPatients, promisedRows } from './cohort.ts'
import { type Condition, conditionText } from '@tributary/shared/condition/condition'
import { marginalNoise } from '../report/noise-of-marginals.ts'
import { cohortOrderSchema } from './order.ts'
import { cohortPlanSchema, exactColumns, planCohort } from './plan.ts'

const specs = [
  { name: 'sex', kind: 'categorical', levels: ['f', 'm'] },
  { name: 'age', kind: 'numeric', integer: true, bins: [18, 60, 70], maximum: 99 },
  { name: 'ward', kind: 'categorical', levels: Array.from({ length: 150 }, (_, i) => `w${i}`) },
  { name: 'site', kind: 'categorical', levels: Array.from({ length: 150 }, (_, i) => `s${i}`) },
  { name: 'lactate', kind: 'numeric', bins: [0, 0.5, 2], maximum: 6.5, missing: 'level' },
  { name: 'note', kind: 'categorical', levels: ['plain', 'a, "b"'], missing: 'level' },
]
const study = (missing: string[] = ['?']) =>
  ({
    columns: specs.map((spec) => columnSchema.parse(spec)),
    source: sourceSchema.parse({ format: 'csv', missing }),
    sites: [
      { name: 'north', promised_patients: 600, promised_rows: 900 },
      { name: 'south', promised_patients: 400, promised_rows: 400 },
    ],
  }) as unknown as Manifest
const manifest = study()
const columns = columnsOf(manifest)
const layout = layoutOf(layoutOfColumns(columns).sizes)
const network = networkOf(layout, { ...defaultSettings, hidden: 8 })
const generatorWith = (params: Float32Array, of = network, marginals: Float64Array | null = null): Generator =>
  autoregressiveGenerator({ network: of, params, marginals, levels: of.layout.sizes.map(() => null) })
const paramsWith = (weight: number, bias: (cell: number) => number): Float32Array => {
  const random = counterRandom(8, 9)
  const params = Float32Array.from({ length: network.dimension }, (_, i) => weight * random.normal(i, 0))
  for (let cell = 0; cell < layout.cells; cell++) params[network.outputBias + cell] = bias(cell)
  return params
}
const modelWith = (...choices: Parameters<typeof paramsWith>): Generator => generatorWith(paramsWith(...choices))
const model = modelWith(0.4, () => 0)

const printed = async (cohort: Cohort): Promise<(string | number | null)[][]> => {
  const rows: (string | number | null)[][] = []
  for await (const batch of cohort.batches())
    for (let row = 0; row < batch.rows; row++) rows.push(columns.map((_, column) => batch.value(row, column)))
  return rows
}
const csv = async (cohort: Cohort): Promise<string> => {
  let text = ''
  for await (const piece of cohortCsv(cohort, 'test')) text += piece
  return text
}

/** On printed values: no code in common with what draws them. */
const isMet = (condition: Condition, row: readonly (string | number | null)[]): boolean => {
  if ('all' in condition) return condition.all.every((part) => isMet(part, row))
  if ('any' in condition) return condition.any.some((part) => isMet(part, row))
  if ('not' in condition) return !isMet(condition.not, row)
  const value = row[columns.findIndex(({ name }) => name === condition.column)]!
  if ('missing' in condition) return value === null
  if (value === null) return false
  if ('is' in condition) return value === condition.is
  if ('in' in condition) return condition.in.includes(value)
  const { at_least = -Infinity, above = -Infinity, at_most = Infinity, below = Infinity } = condition
  const number = Number(value)
  return number >= Number(at_least) && number > Number(above) && number <= Number(at_most) && number < Number(below)
}

const tenths = fc.integer({ min: 0, max: 65 }).map((tenth) => tenth / 10)
const leaves: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom('f', 'm').map((is) => ({ column: 'sex', is })),
  fc
    .integer({ min: 18, max: 99 })
    .chain((age) =>
      fc.constantFrom<Condition>(
        { column: 'age', at_least: age },
        { column: 'age', at_most: age },
        { column: 'age', is: age },
        { column: 'age', in: [age, 63, 64] },
        { column: 'age', above: 17, below: age + 1 },
      ),
    ),
  fc.subarray(specs[2]!.levels!, { minLength: 1, maxLength: 80 }).map((wards) => ({ column: 'ward', in: wards })),
  fc.subarray(specs[3]!.levels!, { minLength: 40 }).map((sites) => ({ column: 'site', in: sites })),
  tenths.chain((value) =>
    fc.constantFrom<Condition>(
      { column: 'lactate', at_least: value },
      { column: 'lactate', below: value + 0.05 },
      { column: 'lactate', is: value },
      { column: 'lactate', missing: true },
    ),
  ),
  fc.constantFrom<Condition>({ column: 'note', is: 'a, "b"' }, { column: 'note', missing: true }),
)
const trees = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaves,
    fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map((any) => ({ any })),
    tie('condition').map((not) => ({ not })),
  ),
})).condition

describe('openCohort', () => {
  test.prop([trees, fc.nat(1000)], { numRuns: 15 })(
    'prints rows that meet the condition, every one',
    async (condition, seed) => {
      const where = conditionText(condition)
      fc.pre(where.length <= 4000)
      let cohort: Cohort
      try {
        cohort = openCohort(manifest, model, { rows: 60, seed, where })
      } catch (error) {
        expect(error).toMatchObject({ code: 'SUPPORT_TOO_SMALL' })
        return
      }
      expect(cohort.condition).toEqual(condition)
      const rows = await printed(cohort)
      expect(rows.length).toBe(60)
      for (const row of rows) expect(isMet(condition, row)).toBe(true)
    },
  )

  it('splits a cut bin by its values: integers and decimals, the last bin with its maximum', async () => {
    // Two columns alone have shares: 0.2, 0.5, 0.3 of age, 0.1, 0.6, 0.2 and 0.1 missing of lactate.
    const shares = new Map([
      ...[0.2, 0.5, 0.3].map((share, i) => [layout.offsets[1]! + i, share] as const),
      ...[0.1, 0.6, 0.2, 0.1].map((share, i) => [layout.offsets[4]! + i, share] as const),
    ])
    const simple = modelWith(0, (cell) => Math.log(shares.get(cell) ?? 1))
    const where = 'age >= 63 AND (lactate < 0.3 OR lactate >= 6.2)'
    const rows = 20_000
    const cohort = await printed(openCohort(manifest, simple, { rows, seed: 4, where }))
    const ages = Array.from({ length: 37 }, (_, i) => ({ value: 63 + i, share: i < 7 ? 0.5 / 10 : 0.3 / 30 }))
    const lactates = [0, 0.1, 0.2, 6.2, 6.3, 6.4, 6.5].map((value) => ({
      value,
      share: value < 1 ? 0.1 / 5 : 0.2 / 46,
    }))
    const support = (0.35 + 0.3) * (3 * 0.02 + (4 * 0.2) / 46)
    for (const [column, expected] of [
      [1, ages],
      [4, lactates],
    ] as const) {
      const total = expected.reduce((sum, { share }) => sum + share, 0)
      const seen = expected.map(({ value }) => cohort.filter((row) => row[column] === value).length)
      expect(seen.reduce((a, b) => a + b, 0)).toBe(rows)
      // Alarms falsely once in a million seeds; even draws over bins would be rejected.
      expect(
        fitOf(
          seen,
          expected.map(({ share }) => (rows * share) / total),
        ),
      ).toBeGreaterThan(1e-6)
      expect(
        fitOf(
          seen,
          expected.map(() => rows / expected.length),
        ),
      ).toBeLessThan(1e-6)
    }
    const plan = await planCohort(manifest, simple, { rows, seed: 4, where })
    expect(Math.abs(plan.support - support)).toBeLessThan(4.9 * plan.support_standard_error + 1e-6)
  })

  it('prints without a condition what the codes decode to, as ever', async () => {
    const random = counterRandom(5, 3)
    let first = 0
    for await (const batch of openCohort(manifest, model, { rows: 300, seed: 5 }).batches()) {
      for (let row = 0; row < batch.rows; row++)
        columns.forEach((column, j) => {
          const code = batch.codes[row * columns.length + j]!
          expect(batch.text(row, j)).toBe(decodeCell(column, code, random.uniform(first + row, j)))
        })
      first += batch.rows
    }
    expect(first).toBe(300)
  })

  it('gives the same bytes for the same order, asked twice or opened twice, and others for another seed', async () => {
    for (const where of [undefined, 'age > 64', 'lactate IS MISSING AND sex = f']) {
      const order = { rows: 500, seed: 3, ...(where !== undefined && { where }) }
      const cohort = openCohort(manifest, model, order)
      const text = await csv(cohort)
      expect(await csv(cohort)).toBe(text)
      expect(await csv(openCohort(study(), model, order))).toBe(text)
      expect(await csv(openCohort(manifest, model, { ...order, seed: 4 }))).not.toBe(text)
    }
  })

  it('quotes what CSV would take apart, and prints missing as the source does', async () => {
    const where = 'note = "a, ""b""" AND lactate IS MISSING AND sex = f'
    const text = await csv(openCohort(manifest, model, { rows: 2, seed: 1, where }))
    expect(text).toMatch(
      /^sex,age,ward,site,lactate,note,_synthetic_release\n(f,\d\d,w\d+,s\d+,\?,"a, ""b""",test\n){2}$/,
    )
    expect(await csv(openCohort(study([]), model, { rows: 2, seed: 1, where }))).toBe(text.replaceAll('?', ''))
  })

  it('refuses a condition that is wrong or that nobody meets, before the first row', async () => {
    for (const [where, code] of [
      ['age > old', 'CONDITION_INVALID'],
      [`age > 20${' '.repeat(4000)}`, 'CONDITION_INVALID'],
      ['', 'CONDITION_INVALID'],
      ['age > 200', 'SUPPORT_TOO_SMALL'],
      ['sex = f AND sex = m', 'SUPPORT_TOO_SMALL'],
      ['lactate = 0.1 AND ward = w1 AND site = s1 AND age = 63', 'SUPPORT_TOO_SMALL'],
    ] as const) {
      const order = { rows: 10, seed: 1, where }
      expect(() => openCohort(manifest, model, order)).toThrow(
        expect.objectContaining({ code, place: { field: 'where' } }),
      )
      await expect(planCohort(manifest, model, order)).rejects.toThrow(expect.objectContaining({ code }))
    }
  })
})

describe('planCohort', () => {
  const plan = (where?: string, rows = 400) =>
    planCohort(manifest, model, { rows, seed: 9, ...(where !== undefined && { where }) })
  const warned = async (...order: Parameters<typeof plan>) => (await plan(...order)).warnings.map(({ code }) => code)

  it('says how every part of the condition is met', async () => {
    expect(await plan()).toMatchObject({ handling: 'unconditional', where: null, support: 1, expected_patients: 1000 })
    const exact = await plan('ward = w7 and age>=60')
    expect(exact).toMatchObject({ handling: 'exact', where: 'ward = w7 AND age >= 60', draws: 400, privacy_cost: 0 })
    expect(exact).toMatchObject({ support_standard_error: 0, effective_sample_size: 400, largest_weight: 1 })
    const mixed = await plan('sex = f AND NOT note IS MISSING AND lactate > 1')
    expect(mixed.handling).toBe('weighted')
    expect(mixed.columns).toEqual([
      { name: 'sex', handling: 'exact' },
      { name: 'lactate', handling: 'weighted' },
      { name: 'note', handling: 'weighted' },
    ])
    expect(mixed.support_standard_error).toBeGreaterThan(0)
    for (const one of [exact, mixed, await plan()]) expect(cohortPlanSchema.parse(one)).toEqual(one)
  })

  it('does not depend on the seed and is the same every time', async () => {
    const where = 'lactate > 1 OR sex = m'
    const first = await planCohort(manifest, model, { rows: 50, seed: 1, where })
    await plan('sex = f')
    expect(await planCohort(study(), { ...model }, { rows: 50, seed: 2, where })).toEqual({ ...first, seed: 2 })
  })

  it('tells a support that the cohorts bear out', async () => {
    const where = 'lactate >= 1 AND note IS NOT MISSING AND (sex = f OR age > 64)'
    const condition = openCohort(manifest, model, { rows: 1, seed: 0, where }).condition!
    const rows = 30_000
    const met = (await printed(openCohort(manifest, model, { rows, seed: 77 }))).filter((row) => isMet(condition, row))
    const { support, support_standard_error: error } = await plan(where)
    const sampling = Math.sqrt((support * (1 - support)) / rows)
    expect(Math.abs(met.length / rows - support)).toBeLessThan(4.9 * Math.hypot(error, sampling))
    expect(error).toBeLessThan(0.02 * support)
  })

  it('warns of few patients, of more rows than they bear, and of bins cut open', async () => {
    expect(await warned('sex = f', 1000)).toEqual([])
    expect(await warned('sex = f', 5000)).toEqual(['extrapolation'])
    expect(await warned('ward = w3', 3)).toEqual(['few_patients'])
    expect(await warned('age >= 63', 20)).toEqual(['bin_cut'])
    expect((await plan('age >= 63', 20)).warnings[0]!.message).toMatch(
      /^age: values inside \[60, 70\) are drawn evenly/,
    )
    expect(await warned('age >= 60', 20)).toEqual([])
  })

  it('warns of weights that leave a cohort of copies', async () => {
    // Notes are hardly ever plain, but for one ward of 150: plain notes are found by chance, 150 draws for one.
    const params = paramsWith(0, (cell) => (cell === layout.offsets[5]! ? -8 : 0))
    const ward = layout.offsets[2]! + 3
    params[network.inputOutput.at[ward]! + layout.offsets[5]! - network.inputOutput.from[ward]!] = 16
    const rare = await planCohort(manifest, generatorWith(params), {
      rows: 20_000,
      seed: 1,
      where: 'note = plain',
    })
    const codes = rare.warnings.map(({ code }) => code)
    expect(codes).toEqual([
      'few_patients',
      'extrapolation',
      'support_uncertain',
      'low_effective_sample',
      'large_weights',
    ])
    expect(Math.abs(rare.support - 1 / 150)).toBeLessThan(4.9 * rare.support_standard_error)
    expect(rare.effective_sample_size).toBeLessThan(0.1 * rare.draws)
    // Named as well, the ward is found at once.
    const named = await planCohort(manifest, generatorWith(params), {
      rows: 20_000,
      seed: 1,
      where: 'note = plain AND ward = w3',
    })
    expect(named.handling).toBe('exact')
    expect(named.effective_sample_size).toBeGreaterThan(19_990)
  })

  it('leaves the length of a condition to the parser, and its answer open to new keys', async () => {
    const where = `age > 20${' '.repeat(4000)}`
    expect(cohortOrderSchema.parse({ rows: 1, seed: 0, where }).where).toBe(where)
    await expect(plan(where)).rejects.toMatchObject({
      code: 'CONDITION_INVALID',
      message: 'character 4001 of the condition: at most 4000 characters',
    })
    const { support_noise_error: _, cohort_floor: __, ...older } = await plan()
    expect(cohortPlanSchema.parse({ ...older, later: 1 })).toEqual({
      ...older,
      support_noise_error: null,
      cohort_floor: 0,
    })
  })

  it('names the part that nothing can meet, alone or beside others', async () => {
    for (const [where, message] of [
      ['age > 99', 'no patient can meet the condition: age > 99 (age goes from 18 to 99, in whole numbers)'],
      ['NOT age <= 99', 'no patient can meet the condition: NOT age <= 99 (age goes'],
      ['age = 63.5 AND sex = f', 'no patient can meet the condition: age = 63.5 (age goes'],
      ['sex = f AND sex = m', 'no patient can meet the condition: sex = f AND sex = m'],
    ] as const)
      await expect(plan(where)).rejects.toMatchObject({
        code: 'SUPPORT_TOO_SMALL',
        place: { field: 'where' },
        message: expect.stringContaining(message),
      })
    const [warning, ...others] = (await plan('sex = f OR age = 63.5')).warnings
    expect(warning).toEqual({
      code: 'never_met',
      message: 'no patient can meet age = 63.5 (age goes from 18 to 99, in whole numbers)',
    })
    expect(others).toEqual([])
    const { support } = await plan('sex = f')
    expect((await plan('sex = f OR age < 18')).support).toBe(support)
  })

  it.each(['sex IS NOT MISSING', 'sex IN (m, f)', 'age >= 63 OR age < 63', 'age >= 18 OR age < 18', 'NOT age > 99'])(
    'takes %s, which every row meets, as no condition',
    async (where) => {
      const condition = conditionText(openCohort(manifest, model, { rows: 1, seed: 0, where }).condition!)
      const planned = await plan(where)
      const { warnings, where: written, columns: handled, ...measured } = planned
      expect(cohortPlanSchema.parse(planned)).toEqual(planned)
      expect(measured).toEqual(
        Object.fromEntries(
          Object.entries(await plan()).filter(([key]) => !['warnings', 'where', 'columns'].includes(key)),
        ),
      )
      expect(measured).toMatchObject({ handling: 'unconditional', support: 1, support_standard_error: 0 })
      expect(written).toBe(condition)
      expect(handled).toEqual([{ name: where.includes('sex') ? 'sex' : 'age', handling: 'exact' }])
      expect(warnings.map(({ code }) => code).filter((code) => code !== 'never_met')).toEqual(['always_met'])
      expect(warnings.some(({ code }) => code === 'never_met')).toBe(/18 OR|NOT age/.test(where))
      const order = { rows: 300, seed: 6 }
      expect(await csv(openCohort(manifest, model, { ...order, where }))).toBe(
        await csv(openCohort(manifest, model, order)),
      )
    },
  )

  it('says no column is weighted where the whole condition is exact', async () => {
    // Decided by the first column, whatever the last.
    const planned = await plan('sex = f AND (sex = f OR note = plain)')
    expect(planned).toMatchObject({ handling: 'exact', support_standard_error: 0 })
    expect(planned.columns.map(({ handling }) => handling)).toEqual(['exact', 'exact'])
  })

  it('counts the leading columns that are always exact', () => {
    expect(exactColumns(columns)).toBe(3)
    expect(exactColumns(columns.slice(0, 2))).toBe(2)
  })
})

describe('the noise of training in a support', () => {
  const few = [
    { name: 'sex', kind: 'categorical', levels: ['f', 'm'] },
    { name: 'ward', kind: 'categorical', levels: ['a', 'b', 'c', 'd'] },
    { name: 'age', kind: 'numeric', integer: true, bins: [0, 10, 20, 30], maximum: 39, missing: 'level' },
  ]
  const query = { kind: 'marginals', noise_multiplier: 3, clip_norm: 2, divisor: 1000, steps: 1 }
  const noisy = {
    ...study(),
    columns: few.map((spec) => columnSchema.parse(spec)),
    federation: { noise_shares: 1 },
    plan: { queries: [query] },
  } as unknown as Manifest
  const small = networkOf(layoutOf(layoutOfColumns(columnsOf(noisy)).sizes), { ...defaultSettings, hidden: 4 })
  const marginals = Float64Array.of(0.6, 0.4, 0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.3, 0.1)
  const flat = generatorWith(new Float32Array(small.dimension), small, marginals)
  const noiseOf = async (where?: string, over: Generator = flat) =>
    (await planCohort(noisy, over, { rows: 10, seed: 1, ...(where !== undefined && { where }) })).support_noise_error

  it('is that of a level as the report tells it, with all sites', async () => {
    const { share } = marginalNoise(noisy, 2)!
    expect(await noiseOf('ward = c')).toBeCloseTo(share(4), 12)
    expect(await noiseOf('ward != c')).toBeCloseTo(share(4), 12)
    expect(await noiseOf('sex = f OR sex = f')).toBeCloseTo(share(2), 12)
    expect(await noiseOf('age IS MISSING')).toBeCloseTo(share(5), 12)
  })

  it('is that of norm-sub on the counts, for levels together and bins in part', async () => {
    const deviation = query.noise_multiplier * query.clip_norm * Math.sqrt(2)
    const random = counterRandom(6, 9)
    // What a condition takes of each level, among levels so large that none is cut at zero.
    for (const [where, parts] of [
      ['ward IN (a, d)', [1, 0, 0, 1]],
      ['age >= 15', [0, 0.5, 1, 1, 0]],
      ['age IS NOT MISSING', [1, 1, 1, 1, 0]],
    ] as const) {
      const trials = 20_000
      const supports = Array.from({ length: trials }, (_, trial) => {
        const counts = Float64Array.from(parts, (_, level) => 200 + deviation * random.normal(trial, level))
        const shares = normSub(counts, 200 * parts.length)
        return (
          parts.reduce<number>((sum, part, level) => sum + part * shares[level]!, 0) * ((200 * parts.length) / 1000)
        )
      })
      const mean = supports.reduce((a, b) => a + b, 0) / trials
      const seen = Math.sqrt(supports.reduce((sum, value) => sum + (value - mean) ** 2, 0) / trials)
      // A deviation of 20,000 is known to 0.5 %: five of them.
      expect(Math.abs(seen / (await noiseOf(where))! - 1)).toBeLessThan(0.025)
    }
  })

  it('is nothing without a condition, and unknown for two columns or without measured marginals', async () => {
    expect(await noiseOf()).toBe(0)
    expect(await noiseOf('sex IN (f, m)')).toBe(0)
    expect(await noiseOf('sex = f AND ward = a')).toBeNull()
    expect(await noiseOf('ward = a', { ...flat, marginals: null })).toBeNull()
  })

  it('is warned of where it is a tenth of the support', async () => {
    const loud = { ...noisy, plan: { queries: [{ ...query, noise_multiplier: 30 }] } } as unknown as Manifest
    const codes = async (over: Manifest) =>
      (await planCohort(over, flat, { rows: 10, seed: 1, where: 'age IS MISSING' })).warnings.map(({ code }) => code)
    expect(await codes(noisy)).not.toContain('support_noisy')
    expect(await codes(loud)).toContain('support_noisy')
  })
})

it('counts patients and rows as promised', () => {
  expect(promisedPatients(manifest)).toBe(1000)
  expect(promisedRows(manifest)).toBe(1300)
})
