import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { expect, it } from 'vitest'
import { binned, featuresOf } from '../../quality/boosted/binned-table.ts'
import { fitBoosted } from '../../quality/boosted/boosted-trees.ts'
import { calibrationOf } from '../../quality/calibration.ts'
import { discriminatorAuc, shuffled } from '../../quality/discriminator.ts'
import { summaryOf } from '../../quality/figure-summary.ts'
import type { MeasuredStudy } from '../../quality/measured-study.ts'
import { rareLevels } from '../../quality/rare-levels.ts'
import { subgroupsOf } from '../../quality/subgroups.ts'
import { figuresOf } from '../../quality/table-figures.ts'

const layout = layoutOf([6, 12, 2])
const ordered = [false, true, false]
const outcome = { name: 'y=1', column: 2, positive: new Set([1]) }
const study: MeasuredStudy = {
  layout,
  names: ['group', 'dose', 'y'],
  ordered,
  targets: [outcome],
  groups: [0],
  levelNames: (_, code) => String(code),
}

/** Chance of y = 1: `logit` by group and dose; an interaction that no straight line has. */
const logit = (group: number, dose: number) => (group % 2 === 0 ? 1 : -1) * (dose < 6 ? 2 : -2)
const table = (rows: number, seed: number, planted = true) => {
  const random = counterRandom(seed, 9)
  const cells = new Uint16Array(rows * 3)
  for (let r = 0; r < rows; r++) {
    const [group, dose] = [Math.floor(6 * random.uniform(r, 0)), Math.floor(12 * random.uniform(r, 1))]
    const chance = planted ? 1 / (1 + Math.exp(-logit(group, dose))) : 0.5
    cells.set([group, dose, random.uniform(r, 2) < chance ? 1 : 0], r * 3)
  }
  return { cells }
}
const labels = ({ cells }: { cells: Uint16Array }) => cells.filter((_, at) => at % 3 === 2)
const options = { trees: 40, learningRate: 0.2 }

it('boosted trees find an interaction of a set and a threshold, and its chances', () => {
  const [train, test] = [table(4000, 1), table(4000, 2)]
  const fit = fitBoosted(layout, ordered, new Set([2]), train, Uint8Array.from(labels(train)), options)
  const score = fit(test.cells)
  const truth = labels(test)
  const best = Float64Array.from({ length: 4000 }, (_, r) => logit(test.cells[3 * r]!, test.cells[3 * r + 1]!))
  const auc = (of: Float64Array) => areaUnderCurve(of, (r) => truth[r] === 1)
  expect(auc(score)).toBeGreaterThan(auc(best) - 0.01)
  const { error, slope } = calibrationOf(score, Uint8Array.from(truth))
  expect(error).toBeLessThan(0.06)
  expect(slope).toBeGreaterThan(0.8)
})

it('boosted trees do not look at a column that they are told to leave out, and weigh rows', () => {
  const train = table(3000, 3)
  const y = Uint8Array.from(labels(train))
  const blind = fitBoosted(layout, ordered, new Set([0, 2]), train, y, options)(table(500, 4).cells)
  expect(Math.max(...blind.map(Math.abs))).toBeLessThan(1.5)
  // Rows of weight 0 change nothing: the others alone say that y is 1.
  const weights = Float64Array.from(y, (label) => (label === 1 ? 1 : 1e-9))
  const sure = fitBoosted(layout, ordered, new Set([2]), { ...train, weights }, y, options)(table(50, 5).cells)
  expect(Math.min(...sure)).toBeGreaterThan(3)
})

it('columns of more than 255 codes are coarsened: ordered in runs, others by what is common', () => {
  const wide = layoutOf([1000, 1000])
  const cells = Uint16Array.from({ length: 20_000 }, (_, at) => (at % 2 === 0 ? (at / 2) % 1000 : at % 300))
  const features = featuresOf(wide, [true, false], new Set(), { cells })
  expect(features.map(({ bins }) => bins)).toEqual([255, 255])
  const runs = [...features[0]!.binOf]
  expect(runs.every((bin, code) => code === 0 || bin >= runs[code - 1]!)).toBe(true)
  expect(new Set(runs).size).toBe(255)
  expect(binned(features, 2, cells).bins[1]!.every((bin) => bin < 255)).toBe(true)
})

it('the discriminator is blind between two samples of one table and sees a broken pair', () => {
  const [a, b] = [table(3000, 6), table(3000, 7)]
  expect(Math.abs(discriminatorAuc(layout, ordered, a, b) - 0.5)).toBeLessThan(0.03)
  expect(discriminatorAuc(layout, ordered, table(3000, 8, false), b)).toBeGreaterThan(0.65)
})

it('calibration: by hand, and by a slope that says too sure', () => {
  const score = Float64Array.of(...new Array<number>(10).fill(0), ...new Array<number>(10).fill(Math.log(3)))
  const happened = Uint8Array.from([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
  // Foretold .5 and .75; what happened is .5 and .8, in bins of two rows each.
  expect(calibrationOf(score, happened).error).toBeGreaterThanOrEqual(0.025)
  const random = counterRandom(4, 9)
  const logits = Float64Array.from({ length: 20_000 }, (_, r) => 4 * random.uniform(r, 0) - 2)
  const drawn = Uint8Array.from(logits, (s, r) => (random.uniform(r, 1) < 1 / (1 + Math.exp(-s)) ? 1 : 0))
  expect(calibrationOf(logits, drawn).slope).toBeCloseTo(1, 1)
  expect(calibrationOf(logits, drawn).error).toBeLessThan(0.02)
  const doubled = calibrationOf(
    logits.map((s) => 2 * s),
    drawn,
  )
  expect(doubled.slope).toBeCloseTo(0.5, 1)
  expect(doubled.error).toBeGreaterThan(0.08)
})

it('rare levels: kept within a factor of two, lost, and too many', () => {
  const one = layoutOf([4])
  const of = (counts: number[]) => ({ cells: Uint16Array.from(counts.flatMap((n, code) => new Array(n).fill(code))) })
  const real = of([980, 9, 5, 6])
  expect(rareLevels(one, real, real)).toEqual({ levels: 3, covered: 1, lost: 0 })
  expect(rareLevels(one, of([986, 9, 0, 5]), real).lost).toBeCloseTo(1 / 3, 12)
  expect(rareLevels(one, of([960, 29, 5, 6]), real).covered).toBeCloseTo(2 / 3, 12)
})

it('groups: the one whose rows are made up is the worst, others stay near the ceiling', () => {
  const [train, heldOut, made] = [table(6000, 9), table(6000, 10), table(6000, 11)]
  for (let r = 0; r < 6000; r++) if (made.cells[3 * r] === 4) made.cells[3 * r + 1] = 0
  const run = (cells: Uint16Array) => ({
    figures: {},
    groups: subgroupsOf(study, { cells }, heldOut, null),
    seconds: { fit: 0, measure: 0 },
  })
  const [worst] = summaryOf('made', [run(made.cells)], [run(train.cells)]).groups.tvd2
  expect(worst?.name).toBe('group = 4')
  expect(worst?.excess).toBeGreaterThan(0.3)
})

it('real rows against real rows: everything near nothing; figures repeat', () => {
  const [train, heldOut] = [table(3000, 12), table(3000, 13)]
  const made = { ...train, broken: 30 }
  const { figures } = figuresOf(study, made, train, heldOut, 1)
  expect(figures.tvd2).toBeLessThan(0.06)
  expect(figures.correlation).toBeLessThan(0.03)
  expect(figures['auc_trees y=1']).toBeGreaterThan(0.8)
  expect(figures.violations).toBe(0.01)
  expect(figuresOf(study, made, train, heldOut, 1).figures).toEqual(figures)
  expect([...shuffled(5, 1)].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
})
