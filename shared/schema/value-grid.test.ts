import { test } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveColumns } from '../study/column-file.ts'
import { columnFileSchema } from '../study/study-schema.ts'
import { type Column, decodeCell, encodeCell, sizeOfColumn } from './column.ts'
import { gridBins } from './value-grid.ts'

const column = (spec: object): Column => {
  const file = columnFileSchema.parse({ name: 'x', kind: 'numeric', ...spec })
  const { columns, findings } = resolveColumns([file], [])
  expect(findings).toEqual([])
  return { ...columns[0]!, missingTexts: [] }
}

const grids = fc
  .record({
    scale: fc.constantFrom('linear' as const, 'log' as const),
    from: fc.integer({ min: -20, max: 2000 }),
    span: fc.integer({ min: 1, max: 1_000_000 }),
    decimals: fc.integer({ min: 0, max: 3 }),
    cells: fc.integer({ min: 1, max: 1024 }),
    declared: fc.boolean(),
  })
  .map(({ scale, from, span, decimals, cells, declared }) => {
    const tick = 10 ** decimals
    const start = scale === 'log' ? Math.max(declared ? 0 : 1, from) : from
    return {
      grid: { from: start / tick, to: (start + span) / tick, cells, scale },
      ...(declared ? { decimals } : {}),
      outside: 'clamp' as const,
    }
  })

describe('value grids', () => {
  test.prop([grids])(
    'bins ascend from the first to the last value, no more than asked, written with few decimals',
    (spec) => {
      const { bins, maximum, decimals } = gridBins(spec.grid, spec.decimals)
      expect([bins[0], maximum]).toEqual([spec.grid.from, spec.grid.to])
      expect(bins.length <= spec.grid.cells).toBe(true)
      expect(bins.every((start, i) => start <= maximum && (i === 0 || start > bins[i - 1]!))).toBe(true)
      expect(bins.every((start) => Number(start.toFixed(decimals)) === start)).toBe(true)
      if (spec.decimals === undefined) expect(bins.length).toBe(spec.grid.cells)
    },
  )

  test.prop([grids, fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })])(
    'a drawn value encodes to the bin that it was drawn from',
    (spec, seed, uniform) => {
      const x = column(spec)
      const code = seed % sizeOfColumn(x)
      expect(encodeCell(x, decodeCell(x, code, uniform))).toBe(code)
    },
  )

  it('whole numbers: every value where there are cells for it, round steps where not, no bin twice', () => {
    expect(gridBins({ from: 0, to: 5, cells: 100, scale: 'linear' }, 0).bins).toEqual([0, 1, 2, 3, 4, 5])
    expect(gridBins({ from: 0, to: 100, cells: 10, scale: 'linear' }, 0).bins).toEqual([
      0, 10, 20, 30, 40, 50, 60, 70, 80, 90,
    ])
    const counts = gridBins({ from: 0, to: 10_000, cells: 60, scale: 'log' }, 0).bins
    expect(counts.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5])
    expect(counts.length).toBeGreaterThan(45)
  })

  it('heavy tails: mean and 99th percentile of values drawn from exact shares of a lognormal are right', () => {
    const x = column({ grid: { from: 0.01, to: 100_000, cells: 512, scale: 'log' }, outside: 'clamp' })
    const [mu, sigma, n] = [2, 1.5, 40_000]
    const counts = new Float64Array(sizeOfColumn(x))
    const truth = Float64Array.from({ length: n }, (_, i) => Math.exp(mu + sigma * normalQuantile((i + 0.5) / n)))
    for (const value of truth) counts[encodeCell(x, String(value))]! += 1
    const drawn = new Float64Array(n)
    let at = 0
    // The golden ratio's multiples spread evenly: what sampling adds is not what is tested.
    counts.forEach((count, code) => {
      for (let i = 0; i < count; i++) drawn[at++] = Number(decodeCell(x, code, (at * 0.618033988749895) % 1))
    })
    const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / n
    const high = (values: Float64Array, share: number) => values.toSorted()[Math.floor(share * n)]!
    expect(meanOf(drawn) / meanOf(truth)).toBeCloseTo(1, 2)
    for (const share of [0.5, 0.99, 0.999]) expect(high(drawn, share) / high(truth, share)).toBeCloseTo(1, 1.5)
    // Sixteen linear bins to the same end, as people first try: the mean is off by far.
    const coarse = column({ grid: { from: 0, to: 100_000, cells: 16 }, outside: 'clamp' })
    const middle = truth.map((value) => Number(decodeCell(coarse, encodeCell(coarse, String(value)), 0.5)))
    expect(meanOf(middle) / meanOf(truth)).toBeGreaterThan(10)
  })

  it('says why a grid cannot be', () => {
    const why = (spec: object) => {
      const file = columnFileSchema.parse({ name: 'x', kind: 'numeric', ...spec })
      return resolveColumns([file], []).findings.map(({ path, message }) => `${path.join('.')}: ${message}`)
    }
    expect(why({ grid: { from: 5, to: 5, cells: 3 } })).toEqual(['columns.0.grid: from must be below to'])
    expect(why({ grid: { from: -1, to: 5, cells: 3, scale: 'log' } })[0]).toMatch(/from of 0 or more/)
    expect(why({ grid: { from: 0, to: 5, cells: 3, scale: 'log' } })[0]).toMatch(/integer or decimals/)
    expect(why({ grid: { from: 0.25, to: 5, cells: 3 }, decimals: 1 })[0]).toMatch(/at most 1 decimals/)
    expect(why({ grid: { from: 0, to: 5, cells: 3 }, bins: [0] })).toEqual(['columns.0.bins: not beside a grid'])
    expect(why({ grid: { from: 0, to: 5, cells: 3 }, maximum: 5 })[0]).toMatch(/its to is the largest value/)
    expect(why({ bins: [0] })[0]).toMatch(/need the largest value/)
    expect(why({})[0]).toMatch(/bins and maximum, or a grid/)
  })
})

/** Acklam's rational approximation would be shorter; bisection of the error function's series needs no table. */
const normalQuantile = (p: number): number => {
  let [low, high] = [-9, 9]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (normalBelow(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Marsaglia 2004, "Evaluating the normal distribution": 0.5 + density times a series in x. */
const normalBelow = (x: number): number => {
  if (x < -8) return 0
  if (x > 8) return 1
  let [sum, term] = [x, x]
  for (let i = 3; sum + term !== sum; i += 2) {
    term *= (x * x) / i
    sum += term
  }
  return 0.5 + sum * Math.exp(-0.5 * x * x - 0.9189385332046727)
}
