import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { expect, it } from 'vitest'
import { levelGaps } from './level-gaps.ts'

const layout = layoutOf([3])
/** Rows of one column: so many of each level. */
const rows = (...counts: readonly number[]) => ({
  cells: Uint16Array.from(counts.flatMap((count, code) => Array.from({ length: count }, () => code))),
})

it('a level that the cohort lacks is judged by both samples: a small cohort may lack it by chance', () => {
  const here = rows(96, 4, 0)
  expect(levelGaps(layout, here, 100, rows(100, 0, 0))).toEqual([])
  const gap = levelGaps(layout, here, 100, rows(10_000, 0, 0)).find(({ code }) => code === 1)
  expect(gap).toMatchObject({ column: 0, pooled: 0, rows: 4 })
  // 4 of 10,100 together: 0.04 over sqrt(p (1 - p) (1 / 100 + 1 / 10,000)).
  expect(gap!.deviations).toBeCloseTo(20.0, 1)
})

it('equal shares are no gap, and neither is a level that neither has', () => {
  expect(levelGaps(layout, rows(50, 50, 0), 100, rows(500, 500, 0))).toEqual([])
})

it('farthest first', () => {
  const gaps = levelGaps(layout, rows(20, 50, 30), 100, rows(6000, 3000, 1000))
  expect(gaps.map(({ code }) => code)).toEqual([0, 2, 1])
})
