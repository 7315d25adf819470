import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadTestEngine } from '../../../test/harness/test-engine.ts'
import { numericGradient, randomParams, randomRows } from '../../../test/harness/reference-network.ts'
import { type Engine, loadEngine } from '../../tensor/engine.ts'
import { clipNorm } from '../../units.ts'
import { layoutOf } from '../cells.ts'
import { gradientSum } from './clipped-sum.ts'
import { networkOf } from './network.ts'
import { defaultSettings } from './settings.ts'

let engine: Engine
beforeAll(async () => {
  engine = await loadTestEngine()
})

const small = networkOf(layoutOf([3, 2, 4, 2, 3]), { ...defaultSettings, hidden: 10 })

const norm = (vector: Float64Array) => Math.sqrt(vector.reduce((total, value) => total + value * value, 0))
const minus = (left: Float64Array, right: Float64Array) => left.map((value, i) => value - right[i]!)

const wide = clipNorm(1e6)

describe('gradientSum', () => {
  it('is the gradient of the loss, every layer of it', () => {
    const params = randomParams(small, 0.5)
    const row = randomRows(small.layout, 1)
    const { sum } = gradientSum(engine, small, params, row, wide)
    const expected = numericGradient(small, params, row)
    expect(norm(minus(sum, expected)) / norm(expected)).toBeLessThan(1e-5)
    const parts = [
      small.inputHidden.at[0]!,
      small.hiddenBias,
      small.hiddenOutput.at[0]!,
      small.inputOutput.at[0]!,
      small.outputBias,
    ]
    for (const [i, start] of parts.entries())
      expect(norm(sum.subarray(start, parts[i + 1])), `part ${i}`).toBeGreaterThan(0)
  })

  it.each([
    [[3, 2, 4, 2, 3], 10],
    [[5, 7], 3],
    [[4], 3],
    [[2, 2, 2, 2, 2, 2], 3],
  ])('clips by the true norm of each row: layout %j, %i hidden units', (sizes, hidden) => {
    const network = networkOf(layoutOf(sizes), { ...defaultSettings, hidden })
    const params = randomParams(network, 0.7)
    const cells = randomRows(network.layout, 40)
    for (let r = 0; r < 40; r++) {
      const row = cells.subarray(r * sizes.length, (r + 1) * sizes.length)
      const { sum: whole } = gradientSum(engine, network, params, row, wide)
      // Clipping to a share of the row's own norm must leave that share, whatever layer the norm comes from.
      for (const share of [0.2, 0.7, 0.99]) {
        const c = clipNorm(norm(whole) * share)
        const { sum } = gradientSum(engine, network, params, row, c)
        expect(norm(sum) / (c * (1 - 2 ** -10))).toBeCloseTo(1, 5)
        expect(
          norm(
            minus(
              sum,
              whole.map((value) => value * share * (1 - 2 ** -10)),
            ),
          ) / c,
        ).toBeLessThan(1e-5)
      }
      const loose = gradientSum(engine, network, params, row, clipNorm(norm(whole) * 1.01)).sum
      expect(norm(minus(loose, whole)) / norm(whole)).toBeLessThan(1e-6)
    }
  })

  test.prop(
    [fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.01, max: 30, noNaN: true }), fc.integer({ min: 0, max: 29 })],
    { numRuns: 40 },
  )('moves by at most C when a row is taken out, and is the sum over rows', (seed, scale, out) => {
    const params = randomParams(small, scale, seed)
    const cells = randomRows(small.layout, 30, seed)
    const without = Uint16Array.from([...cells.subarray(0, out * 5), ...cells.subarray((out + 1) * 5)])
    const c = clipNorm(1)
    const { sum, sensitivity } = gradientSum(engine, small, params, cells, c)
    const rest = gradientSum(engine, small, params, without, c).sum
    const alone = gradientSum(engine, small, params, cells.slice(out * 5, (out + 1) * 5), c).sum
    expect(sensitivity).toBe(1)
    expect(norm(alone)).toBeLessThanOrEqual(1)
    expect(norm(minus(sum, rest))).toBeLessThanOrEqual(1)
    expect(norm(minus(minus(sum, rest), alone))).toBeLessThan(1e-4)
  })

  it('R15: rounding differs between neighbours by one slice, however the rows are ordered; a shift of all rows is not paid for', () => {
    // Rows that round alike, in a period of two slices, so that every slice behind a row that is put in front drifts the same way.
    const network = networkOf(layoutOf([2, 2, 2, 4]), { ...defaultSettings, hidden: 64 })
    const params = randomParams(network, 0.6, 6)
    const rows = 64 * 400
    const cells = new Uint16Array(4 * rows)
    for (let r = 0; r < rows; r++) cells.set(r % 64 < 60 ? [0, 0, 0, 0] : [1, 1, 1, 3], 4 * r)
    const sumOf = (counts: Uint8Array | null, of = cells) =>
      gradientSum(engine, network, params, of, clipNorm(1), counts).sum
    const all = sumOf(null)
    const driftOf = (changed: Float64Array, row: number) => {
      const alone = sumOf(null, cells.slice(4 * row, 4 * row + 4))
      expect(norm(minus(all, changed))).toBeLessThanOrEqual(1)
      return norm(minus(minus(all, changed), alone))
    }
    for (const row of [0, 63, 64, 12_800, rows - 1]) {
      const others = new Uint8Array(rows).fill(1)
      others[row] = 0
      // m^2 2^-24 for either sum of one slice, and the float64 additions: half of the slack pays for them.
      expect(driftOf(sumOf(others), row)).toBeLessThan(2 ** -11)
      expect(norm(all) / rows).toBeGreaterThan(0.5)
    }
    const kept = driftOf(sumOf(new Uint8Array(rows).fill(1).fill(0, 0, 1)), 0)
    const shifted = driftOf(sumOf(null, cells.slice(4)), 0)
    expect(shifted).toBeGreaterThan(20 * kept)
  })

  it.each([3e38, -3e38])(
    'R14: a row that overflows (%d twice) adds exactly nothing and leaves the others alone',
    (huge) => {
      const params = randomParams(small, 0.5)
      const cells = randomRows(small.layout, 60)
      // Two input weights of the last hidden unit overflow together, so only rows with both of these codes are not finite.
      const unit = small.hidden - 1
      for (const [column, code] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const cell = small.layout.offsets[column]! + code
        params[small.inputHidden.at[cell]! + unit - small.inputHidden.from[cell]!] = huge
      }
      const hits = (r: number) => cells[r * 5] === 1 && cells[r * 5 + 1] === 0
      // One large weight alone does not overflow float32, but makes outputs so large that rows may still be finite: drop them.
      const touched = (r: number) => cells[r * 5] === 1 || cells[r * 5 + 1] === 0
      const pick = (keep: (r: number) => boolean) =>
        Uint16Array.from(Array.from(cells).filter((_, i) => keep(Math.floor(i / 5))))
      const bad = pick(hits)
      const plain = pick((r) => !touched(r))
      expect(bad.length).toBeGreaterThan(0)
      expect(plain.length).toBeGreaterThan(50)
      const mixed = Uint16Array.from([...plain.subarray(0, 20), ...bad, ...plain.subarray(20)])
      expect(gradientSum(engine, small, params, bad, clipNorm(1)).sum.every((value) => value === 0)).toBe(true)
      const { sum } = gradientSum(engine, small, params, mixed, clipNorm(1))
      const expected = gradientSum(engine, small, params, plain, clipNorm(1)).sum
      expect(norm(expected)).toBeGreaterThan(0.1)
      expect(norm(minus(sum, expected))).toBeLessThan(1e-5)
    },
  )

  it('R14: refuses parameters that are not finite before it looks at a row', () => {
    const unread = new Proxy(new Uint16Array(5), {
      get() {
        throw new Error('a row was read')
      },
    })
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const params = randomParams(small, 0.5)
      params[7] = value
      expect(() => gradientSum(engine, small, params, unread, clipNorm(1))).toThrow(
        expect.objectContaining({ code: 'ROUND_REFUSED' }),
      )
    }
    expect(() => gradientSum(engine, small, new Float32Array(3), unread, clipNorm(1))).toThrow(
      expect.objectContaining({ code: 'ROUND_REFUSED' }),
    )
  })

  it('drops a row with a code outside the layout, whose cell would be a neighbour column', () => {
    const params = randomParams(small, 0.5)
    const cells = randomRows(small.layout, 3)
    const planted = Uint16Array.from([...cells, 0, 2, 0, 0, 0])
    expect(gradientSum(engine, small, params, planted, clipNorm(1)).sum).toEqual(
      gradientSum(engine, small, params, cells, clipNorm(1)).sum,
    )
  })

  it('gives zeros for no rows, and leaves no tensor behind', () => {
    const before = engine.tf.memory().numTensors
    const params = randomParams(small, 0.5)
    const empty = gradientSum(engine, small, params, new Uint16Array(0), clipNorm(1)).sum
    expect(empty).toEqual(new Float64Array(small.dimension))
    gradientSum(engine, small, params, randomRows(small.layout, 1500), clipNorm(1))
    expect(engine.tf.memory().numTensors).toBe(before)
  })

  it('R15: the order of summation is fixed: the same inputs give the same bytes, whatever was computed before', () => {
    const params = randomParams(small, 0.5)
    const cells = randomRows(small.layout, 2500)
    const first = gradientSum(engine, small, params, cells, clipNorm(1)).sum
    gradientSum(engine, small, params, randomRows(small.layout, 700, 2), clipNorm(1))
    const again = gradientSum(engine, small, params.slice(), cells.slice(), clipNorm(1)).sum
    expect(Buffer.compare(Buffer.from(first.buffer), Buffer.from(again.buffer))).toBe(0)
  })

  test.prop([fc.integer({ min: 1, max: 2500 }), fc.integer({ min: 1, max: 2500 })], { numRuns: 8 })(
    'R15: how a batch is cut into parts changes the float64 sum by far less than the slack that pays for it',
    (one, other) => {
      const params = randomParams(small, 0.5)
      const cells = randomRows(small.layout, 2500)
      const { sum } = gradientSum(engine, small, params, cells, clipNorm(1))
      const cuts = [0, ...[one, other].sort((a, b) => a - b), 2500]
      const parts = cuts.slice(1).map((end, i) => cells.subarray(5 * cuts[i]!, 5 * end))
      const rest = parts.reduce(
        (left, part) => minus(left, gradientSum(engine, small, params, part, clipNorm(1)).sum),
        sum,
      )
      expect(norm(rest)).toBeLessThan(2 ** -13)
    },
  )

  test.prop([fc.nat(1500), fc.nat(1500), fc.integer({ min: 1, max: 1000 })], { numRuns: 12 })(
    'R10: padding adds exactly nothing, whatever it holds, even what overflows (R14)',
    (drawn, padding, seed) => {
      const params = randomParams(small, 0.5)
      // The last hidden unit overflows for rows that begin with two zeros: there are none but in the padding.
      const unit = small.hidden - 1
      for (const cell of [0, 3]) params[small.inputHidden.at[cell]! + unit - small.inputHidden.from[cell]!] = 3e38
      const all = randomRows(small.layout, drawn + padding, seed)
      for (let r = 0; r < drawn; r++) if (all[5 * r] === 0) all[5 * r] = 1
      const real = all.slice(0, 5 * drawn)
      const { sum } = gradientSum(engine, small, params, real, clipNorm(1))
      const zeros = new Uint16Array(all.length)
      zeros.set(real)
      const counts = new Uint8Array(drawn + padding).fill(1, 0, drawn)
      for (const padded of [all, zeros])
        expect(norm(minus(gradientSum(engine, small, params, padded, clipNorm(1), counts).sum, sum))).toBeLessThan(
          2 ** -13,
        )
      const none = new Uint8Array(drawn + padding)
      expect(gradientSum(engine, small, params, all, clipNorm(1), none).sum).toEqual(new Float64Array(small.dimension))
    },
  )

  it('refuses marks for more or fewer rows than the batch has', () => {
    const cells = randomRows(small.layout, 3)
    for (const marks of [0, 2, 4])
      expect(() =>
        gradientSum(engine, small, randomParams(small, 0.5), cells, clipNorm(1), new Uint8Array(marks)),
      ).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })

  it('does not depend on where a chunk of rows ends', () => {
    const params = randomParams(small, 0.5)
    const cells = randomRows(small.layout, 2500)
    const { sum } = gradientSum(engine, small, params, cells, clipNorm(1))
    const parts = [cells.subarray(0, 3500), cells.subarray(3500)].map(
      (part) => gradientSum(engine, small, params, part, clipNorm(1)).sum,
    )
    expect(norm(minus(minus(sum, parts[0]!), parts[1]!))).toBeLessThan(2 ** -11)
  })
})

describe('masks and engines', () => {
  it('the outputs of a column do not depend on that column or later ones', () => {
    const params = randomParams(small, 0.9)
    const cells = randomRows(small.layout, 50)
    const probabilities = (row: Uint16Array) => {
      // dLoss/d(output bias) is softmax - one-hot.
      const bias = gradientSum(engine, small, params, row, wide).sum.slice(small.outputBias)
      row.forEach((code, j) => {
        const cell = small.layout.offsets[j]! + code
        bias[cell] = bias[cell]! + 1
      })
      return bias
    }
    for (let r = 0; r < 50; r++) {
      const row = cells.slice(r * 5, r * 5 + 5)
      const before = probabilities(row)
      const column = r % 5
      const changed = row.slice()
      changed[column] = (row[column]! + 1) % small.layout.sizes[column]!
      const after = probabilities(changed)
      const end = small.layout.offsets[column + 1]!
      for (let cell = 0; cell < end; cell++) expect(after[cell]).toBeCloseTo(before[cell]!, 6)
      if (column < 4) expect(norm(minus(after.slice(end), before.slice(end)))).toBeGreaterThan(1e-5)
    }
  })

  it('the engine and plain JavaScript agree', async () => {
    const params = randomParams(small, 0.5)
    const cells = randomRows(small.layout, 700)
    const fast = gradientSum(engine, small, params, cells, clipNorm(1)).sum
    const plain = gradientSum(await loadEngine({ prefer: 'cpu' }), small, params, cells, clipNorm(1)).sum
    engine = await loadTestEngine()
    expect(norm(minus(fast, plain)) / norm(plain)).toBeLessThan(1e-6)
  })
})
