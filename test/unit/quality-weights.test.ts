import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { describe, expect, it } from 'vitest'
import { boundsOf, broken } from '../quality/bounds.ts'
import { outcomeOf, qualityOf, referenceOf } from '../quality/cohort-quality.ts'
import { datasetOf } from '../quality/dataset.ts'
import { drawnAnew } from '../quality/drawn-anew.ts'
import { independentDistance, marginalDistance } from '../quality/pairwise-distance.ts'
import { weighted } from '../quality/patient-splits.ts'
import { recordsOf } from '../quality/pooled-training.ts'

/*
 * Two columns, x and y; y = 1 is the outcome. By hand, a patient counting once:
 *   training   C has (1,0) three times; D (1,1), E (0,1), F (0,0), G (0,0): (0,0) .4, the others .2 each
 *   held out   A has (0,0) twice and (0,1); B (1,1): (0,0) 1/3, (0,1) 1/6, (1,1) 1/2
 */
const layout = layoutOf([2, 2])
const outcome = { column: 1, positive: new Set([1]) }
const train = {
  cells: Uint16Array.of(1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0),
  patients: ['C', 'C', 'C', 'D', 'E', 'F', 'G'],
}
const heldOut = { cells: Uint16Array.of(0, 0, 0, 0, 0, 1, 1, 1), patients: ['A', 'A', 'A', 'B'] }
const referenceFor = (trained: 'row' | 'patient', held: 'row' | 'patient') =>
  referenceOf(layout, outcome, weighted(train, trained), weighted(heldOut, held))

describe('real rows weighted per patient', () => {
  it('are as far from held-out patients as by hand, and otherwise when either side forgets its weights', () => {
    // (.4 - 1/3 + .2 - 1/6 + .2 + .5 - .2) / 2
    expect(referenceFor('patient', 'patient').tvd2).toBeCloseTo(0.3, 12)
    // x = 1: .4 against .5; y = 1: .4 against 2/3.
    expect(referenceFor('patient', 'patient').tvd1).toBeCloseTo((0.1 + 4 / 15) / 2, 12)
    // Training rows counted once each: (1,0) 3/7, (1,1) 1/7, (0,1) 1/7, (0,0) 2/7.
    expect(referenceFor('row', 'patient').tvd2).toBeCloseTo(3 / 7, 12)
    // Held-out rows counted once each: (0,0) 1/2, (0,1) 1/4, (1,1) 1/4.
    expect(referenceFor('patient', 'row').tvd2).toBeCloseTo(0.2, 12)
  })

  it('teach a classifier by their weights, and test it by theirs', () => {
    // Of patients with x = 1 half are positive, with x = 0 a third: x = 1 scores higher. Pairs in order, ties half:
    // (1 x 2/3 + 1/3 x 2/3 / 2) / (4/3 x 2/3).
    expect(referenceFor('patient', 'patient').auc).toBeCloseTo(7 / 8, 12)
    // By rows a quarter of x = 1 is positive: the order turns round.
    expect(referenceFor('row', 'patient').auc).toBeCloseTo(1 / 8, 12)
    // Held-out rows counted once each: (1 x 2 + 1 x 2 / 2) / (2 x 2).
    expect(referenceFor('patient', 'row').auc).toBeCloseTo(3 / 4, 12)
  })

  it('with independent columns are at the product of their shares', () => {
    // x = 1: .4, y = 1: .4; against (0,0) 1/3, (0,1) 1/6, (1,0) 0, (1,1) 1/2.
    const wanted = (0.36 - 1 / 3 + 0.24 - 1 / 6 + 0.24 + 0.5 - 0.16) / 2
    expect(referenceFor('patient', 'patient').independent.tvd2).toBeCloseTo(wanted, 12)
    expect(referenceFor('patient', 'patient').independent.tvd1).toBeCloseTo((0.1 + 4 / 15) / 2, 12)
    const apart = { cells: Uint16Array.of(0, 0, 0, 1, 1, 0, 1, 1) }
    expect(independentDistance(layout, 2, apart, apart)).toBe(0)
    const together = { cells: Uint16Array.of(0, 0, 1, 1) }
    expect(independentDistance(layout, 2, together, together)).toBeCloseTo(0.5, 12)
  })
})

describe('a cohort', () => {
  it('counts each of its rows once, against held-out patients weighted, less what real patients reach', () => {
    const cells = Uint16Array.of(0, 0, 0, 0, 0, 1, 1, 1)
    const quality = qualityOf(referenceFor('patient', 'patient'), cells)
    // (1/2 - 1/3 + 1/4 - 1/6 + 1/2 - 1/4) / 2
    expect(quality.tvd2).toBeCloseTo(0.25, 12)
    expect(quality.tvd2Excess).toBeCloseTo(0.25 - 0.3, 12)
    expect(quality.auc).toBeCloseTo(7 / 8, 12)
    expect(quality.aucDifference).toBeCloseTo(0, 12)
    expect(quality).toMatchObject({ tvd2Real: expect.closeTo(0.3, 12), aucReal: expect.closeTo(7 / 8, 12) })
    expect(qualityOf(referenceFor('patient', 'row'), cells).tvd2).toBe(0)
  })
})

describe('units of training', () => {
  it('are patients with all their rows, or rows', () => {
    const columns = [{}, {}]
    const records = (unit: 'row' | 'patient') => recordsOf(train, { columns, privacy: { unit } } as never)
    expect([...(records('patient').unitStart ?? [])]).toEqual([0, 3, 4, 5, 6, 7])
    expect(records('row').unitStart).toBeNull()
    expect(records('row').units).toBe(7)
  })
})

describe('rows drawn anew', () => {
  it('come as often as they weigh, and with the same seed again', () => {
    const table = weighted(heldOut, 'patient')
    const drawn = drawnAnew(2, table, 40_000, 5)
    expect(drawn).toHaveLength(80_000)
    // A standard deviation of the largest share, 1/2, is .0025.
    expect(marginalDistance(layout, 2, { cells: drawn }, table)).toBeLessThan(0.01)
    expect(marginalDistance(layout, 2, { cells: drawn }, weighted(heldOut, 'row'))).toBeGreaterThan(0.2)
    expect(drawnAnew(2, table, 40_000, 5)).toEqual(drawn)
    expect(drawnAnew(2, table, 40_000, 6)).not.toEqual(drawn)
  })
})

describe('outcomes and bounds', () => {
  it('belong to the data set that a study names', () => {
    expect(() => datasetOf({ name: 'nothing-known' })).toThrow('no data set')
    expect(datasetOf({ name: 'heart4' }).outcome).toEqual({ column: 'num', negative: '0' })
    const levels = ['0', '1', '2']
    const study = { columns: [{ name: 'age' }, { name: 'num', kind: 'categorical', levels }] } as never
    const { column, positive } = outcomeOf(study, datasetOf({ name: 'heart4' }).outcome)
    expect([column, [...positive]]).toEqual([1, [1, 2]])
    expect(() => outcomeOf(study, { column: 'age', negative: '0' })).toThrow('no categorical column age')
  })

  const at = (tvd2Excess: number, aucDifference: number, tvd2: number, auc: number) => ({
    tvd2Excess,
    aucDifference,
    tvd2,
    auc,
  })
  const patient = boundsOf('diabetes5-patient')

  it('are kept by the mean over splits', () => {
    expect(broken(patient, [at(0.006, -0.03, 0.023, 0.65), at(0.004, -0.01, 0.021, 0.66)])).toEqual([])
    expect(boundsOf('heart4')).toEqual([])
  })

  it.each([
    [at(0.0051, -0.01, 0.02, 0.67), 'tvd2Excess at most 0.005'],
    [at(0.004, -0.0201, 0.02, 0.67), 'aucDifference at least -0.02'],
    [at(0.004, -0.01, 0.0221, 0.67), 'tvd2 at most 0.022'],
    [at(0.004, -0.01, 0.02, 0.654), 'auc at least 0.655'],
  ])('are broken one by one: %o', (result, words) => {
    expect(broken(patient, [result])).toEqual([expect.stringContaining(words)])
  })

  it('are never kept by no result or none that is a number', () => {
    expect(broken(patient, [])).toHaveLength(4)
    expect(broken(patient, [at(Number.NaN, 0, 0, 1)])).toHaveLength(1)
  })
})
