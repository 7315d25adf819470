import { fc, test } from '@fast-check/vitest'
import { columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import { describe, expect, it } from 'vitest'
import { fitOf } from '../../test/harness/goodness-of-fit.ts'
import { plantedGenerator, plantedMass, plantedStudy } from '../../test/harness/planted-products.ts'
import { openCohort } from './cohort.ts'
import type { CohortOrder } from './order.ts'
import { planCohort } from './plan.ts'

const manifest = plantedStudy()
const sizes = columnsOf(manifest).map(sizeOfColumn)
const model = plantedGenerator()
const raked = plantedGenerator(
  Float64Array.from(
    [
      [0.5, 0.5],
      [0.35, 0.35, 0.3],
      [0.4, 0.3, 0.3],
      [0.3, 0.4, 0.3],
      [0.3, 0.2, 0.3, 0.2],
      [0.7, 0.3],
    ].flat(),
  ),
)
const alarm = 1e-6

interface Drawn {
  readonly values: (string | number | null)[][]
  readonly codes: number[][]
}
const drawn = async (order: Partial<CohortOrder>, of = model, study = manifest): Promise<Drawn> => {
  const values: Drawn['values'] = []
  const codes: number[][] = []
  for await (const batch of openCohort(study, of, { rows: 1000, seed: 5, ...order }).batches())
    for (let row = 0; row < batch.rows; row++) {
      values.push(sizes.map((_, j) => batch.value(row, j)))
      codes.push([...batch.codes.subarray(row * sizes.length, (row + 1) * sizes.length)])
    }
  return { values, codes }
}
const before = ({ values }: Drawn, column: number) => values.map((row) => row.slice(0, column))
const at = (name: string) => manifest.columns.findIndex((column) => column.name === name)

describe('a what-if', () => {
  it('keeps what comes before the column as it is without it, value by value, and sets the column', async () => {
    for (const order of [
      {},
      { where: 'age >= 33' },
      { balance: ['sex'] },
      { reweight: [{ condition: 'age >= 64', share: 0.4 }], where: 'sex = f' },
    ])
      for (const one of [model, raked]) {
        const base = await drawn({ rows: 300, ...order }, one)
        for (const [text, value] of [
          ['smoking = never', 'never'],
          ['smoking = current', 'current'],
        ] as const) {
          const set = await drawn({ rows: 300, ...order, set: [text] }, one)
          expect(before(set, 2)).toEqual(before(base, 2))
          expect(new Set(set.values.map((row) => row[2]))).toEqual(new Set([value]))
        }
      }
  })

  it('sets numbers, missing values, levels inside groups, and several columns', async () => {
    const { values } = await drawn({ rows: 300, set: ['bmi IS MISSING', 'age = 63', 'code = d'] }, raked)
    expect(values.every((row) => row[1] === 63 && row[3] === 'd' && row[4] === null)).toBe(true)
    expect(new Set(values.map((row) => row[0])).size).toBe(2)
    expect(new Set(values.map((row) => row[2])).size).toBe(3)
    const base = await drawn({ rows: 300 }, raked)
    expect(values.map((row) => row[0])).toEqual(base.values.map((row) => row[0]))
    const decimals = await drawn({ rows: 20, set: ['bmi = 27.5'] })
    expect(decimals.values.every((row) => row[4] === 27.5)).toBe(true)
  })

  it('draws what comes after given what is before, by the model alone', async () => {
    const { codes } = await drawn({ rows: 60_000, set: ['smoking = current'] })
    // By sex and age: the law of code and died, given them and the value set, in closed form.
    for (const sex of [0, 1])
      for (const age of [0, 1, 2]) {
        const rows = codes.filter((row) => row[0] === sex && row[1] === age)
        const given = plantedMass([sex, age, 2, null, null, null])
        const [seen, expected]: [number[], number[]] = [[], []]
        for (let code = 0; code < 6; code++)
          for (const died of [0, 1]) {
            seen.push(rows.filter((row) => row[3] === code && row[5] === died).length)
            expected.push((rows.length * plantedMass([sex, age, 2, code, null, died])) / given)
          }
        expect(fitOf(seen, expected)).toBeGreaterThan(alarm)
      }
    // Not the law of those who smoke: sex and age are as they were.
    const smokers = [0, 1, 2].map(
      (age) =>
        codes.length * (plantedMass([null, age, 2, null, null, null]) / plantedMass([null, null, 2, null, null, null])),
    )
    const everybody = [0, 1, 2].map((age) => codes.length * plantedMass([null, age, null, null, null, null]))
    const ages = [0, 1, 2].map((age) => codes.filter((row) => row[1] === age).length)
    expect(fitOf(ages, everybody)).toBeGreaterThan(alarm)
    expect(fitOf(ages, smokers)).toBeLessThan(alarm)
  })

  it('follows the raked law after the column, as conditions do', async () => {
    // Given sex, age and smoking, what follows is the same law in a what-if as among the rows that are so.
    const set = (await drawn({ rows: 60_000, where: 'sex = m AND age >= 60', set: ['smoking = former'] }, raked)).codes
    const alike = (await drawn({ rows: 60_000, seed: 8, where: 'sex = m AND age >= 60 AND smoking = former' }, raked))
      .codes
    for (const column of [3, 4, 5]) {
      const shares = (rows: number[][]) =>
        Array.from(
          { length: sizes[column]! },
          (_, code) => rows.filter((row) => row[column] === code).length / rows.length,
        )
      const [one, other] = [shares(set), shares(alike)]
      // Sampling has a deviation of 0.003 at most here; choosing among eight ends leaves less than that.
      one.forEach((share, code) => expect(Math.abs(share - other[code]!)).toBeLessThan(0.016))
    }
  })

  test.prop(
    [
      fc.constantFrom('smoking = never', 'code = b', 'bmi = 20', 'died = yes'),
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 1, max: 300 }),
    ],
    { numRuns: 12 },
  )('is the same again, and the same in its first rows however many follow', async (text, seed, rows) => {
    const order = { rows, seed, set: [text] }
    const once = await drawn(order)
    expect(await drawn(order)).toEqual(once)
    const longer = await drawn({ ...order, rows: rows + 50 })
    expect(longer.values.slice(0, rows)).toEqual(once.values)
    const column = at(text.split(' ')[0]!)
    expect(before(once, column)).toEqual(before(await drawn({ rows, seed }), column))
  })

  it('shares its random numbers with another what-if of the same rows', async () => {
    const [never, current] = await Promise.all(
      ['never', 'current'].map((value) => drawn({ set: [`smoking = ${value}`] })),
    )
    const same = never!.codes.filter((row, i) => row[5] === current!.codes[i]![5]).length
    const other = await drawn({ set: ['smoking = current'], seed: 6 })
    const unlike = never!.codes.filter((row, i) => row[5] === other.codes[i]![5]).length
    expect(same).toBeGreaterThan(unlike + 50)
  })

  it('is planned with who is so anyway, what is kept and what is made again, and that it is no cause', async () => {
    const plan = await planCohort(manifest, model, {
      rows: 100,
      seed: 1,
      where: 'age >= 40',
      set: ['smoking = never', 'bmi = 25'],
    })
    expect(plan.what_if).toMatchObject({
      condition: 'age >= 40 AND smoking = never AND bmi = 25',
      kept: ['sex', 'age'],
      made_again: ['code', 'died'],
    })
    expect(plan.set).toEqual(['smoking = never', 'bmi = 25'])
    expect(plan.warnings.map(({ code }) => code)).toContain('not_causal')
    const some = await planCohort(manifest, model, { rows: 100, seed: 1, set: ['smoking = never'] })
    const share = plantedMass([null, null, 0, null, null, null])
    expect(Math.abs(some.what_if!.support - share)).toBeLessThan(5 * some.what_if!.support_standard_error + 1e-6)
  })

  it.each<[Partial<CohortOrder>, string, string, RegExp]>([
    [{ set: ['ward = a'] }, 'CONDITION_INVALID', 'set.0', /no column ward/],
    [{ set: ['sex = x'] }, 'CONDITION_INVALID', 'set.0', /x/],
    [{ set: ['age > 40'] }, 'CONDITION_INVALID', 'set.0', /set to one value/],
    [{ set: ['sex = f OR sex = m'] }, 'CONDITION_INVALID', 'set.0', /set to one value/],
    [{ set: ['sex = f', 'sex = m'] }, 'CONDITION_INVALID', 'set.1', /sex is set twice/],
    [
      { set: ['smoking = never'], where: 'smoking = current' },
      'CONDITION_INVALID',
      'set',
      /smoking is set, and a condition names it/,
    ],
    [
      { set: ['smoking = never'], where: 'bmi > 30' },
      'CONDITION_INVALID',
      'set',
      /names bmi, which comes after smoking/,
    ],
    [{ set: ['smoking = never'], balance: ['died'] }, 'CONDITION_INVALID', 'set', /names died/],
    [
      { set: ['smoking = never'], augment: { condition: 'code = a', times: 2 } },
      'CONDITION_INVALID',
      'set',
      /names code/,
    ],
    [{ set: ['age = 17'] }, 'SUPPORT_TOO_SMALL', 'set', /age = 17/],
    [{ set: ['sex IS MISSING'] }, 'SUPPORT_TOO_SMALL', 'set', /./],
  ])('%j is refused', (order, code, field, message) => {
    expect(() => openCohort(manifest, model, { rows: 10, seed: 1, ...order })).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringMatching(message),
        place: expect.objectContaining({ field }),
      }),
    )
  })
})

describe('constraints of a study', () => {
  const ruled = plantedStudy({
    constraints: [
      'IF sex = m THEN smoking != current',
      'NEVER (age < 30 AND died = yes)',
      'NEVER (smoking = never AND code = a)',
      'age <= 70 OR bmi <= 40',
    ],
  })
  const broken = ([sex, age, smoking, code, bmi, died]: (string | number | null)[]) =>
    (sex === 'm' && smoking === 'current') ||
    (Number(age) < 30 && died === 'yes') ||
    (smoking === 'never' && code === 'a') ||
    (Number(age) > 70 && bmi !== null && Number(bmi) > 40)

  it.each([
    {},
    { where: 'age < 45 AND died = no' },
    { balance: ['sex', 'smoking'] },
    {
      reweight: [
        { condition: 'age >= 66', share: 0.5 },
        { condition: 'died = yes', share: 0.4 },
      ],
    },
    { augment: { condition: 'bmi > 35', times: 4 } },
    { set: ['smoking = never'] },
    { set: ['smoking = current', 'bmi = 33'], where: 'sex = f' },
    { set: ['age = 75'], balance: ['sex'] },
  ] as Partial<CohortOrder>[])('hold in every row of %j', async (order) => {
    for (const one of [model, raked]) {
      const { values } = await drawn({ rows: 1500, ...order }, one, ruled)
      expect(values.length).toBe(1500)
      expect(values.filter(broken).length).toBe(0)
    }
  })

  it('are what a study without them breaks in these very orders', async () => {
    const { values } = await drawn({ rows: 1500, balance: ['sex', 'smoking'] })
    expect(values.filter(broken).length).toBeGreaterThan(100)
    const balanced = await planCohort(ruled, model, { rows: 100, seed: 1, balance: ['sex', 'smoking'] })
    expect(balanced.absent).toEqual(['sex = m AND smoking = current'])
    expect(balanced.warnings.map(({ code }) => code)).toContain('strata_absent')
  })

  it('refuse a setting that some of the rows may not have, before the order is accepted', async () => {
    await expect(planCohort(ruled, model, { rows: 10_000, seed: 1, set: ['smoking = current'] })).rejects.toMatchObject(
      {
        code: 'CONSTRAINT_BROKEN',
        place: { field: 'set' },
        message: expect.stringMatching(/keep some of these rows from smoking = current/),
      },
    )
    const plan = await planCohort(ruled, model, { rows: 10_000, seed: 1, set: ['smoking = current'], where: 'sex = f' })
    expect(plan.what_if!.condition).toBe('sex = f AND smoking = current')
  })
})
