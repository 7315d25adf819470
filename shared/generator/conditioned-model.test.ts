import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { chiSquareTail } from '../../test/harness/goodness-of-fit.ts'
import type { CellCondition, ColumnCells } from '../synthesizers/cell-condition.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { fails, type Lookahead, lookaheadOf, open } from '../synthesizers/condition-lookahead.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { conditionModel } from './conditioned-model.ts'
import { networkOf, unpack } from '../synthesizers/autoregressive/network.ts'
import { prefixesOf } from './prefixes.ts'
import { proposalOf } from './proposal.ts'
import { sampleWorth } from './sample-worth.ts'
import { defaultSettings } from '../synthesizers/autoregressive/settings.ts'
import { fitError, tiltOf } from './tilt.ts'
import { cellsIn, type TiltedModel, tiltedWalk } from './tilted-model.ts'
import { autoregressiveGenerator } from '../synthesizers/autoregressive/generator.ts'
import type { Generator } from './generator.ts'

/** Chance of a false alarm, here and below. */
const alarm = 1e-6
/** Two-sided deviations of a normal beyond which lies `alarm`. */
const deviations = 4.9

const layout = layoutOf([3, 2, 4, 3, 2])
const network = networkOf(layout, { ...defaultSettings, hidden: 10 })

const weights = new Map<Generator, Float32Array>()

const generatorWith = (params: Float32Array, marginals: Float64Array | null): Generator => {
  const generator = autoregressiveGenerator({ network, params, marginals, levels: layout.sizes.map(() => null) })
  weights.set(generator, params)
  return generator
}

const modelOf = (seed: number, marginals: boolean): Generator => {
  const random = counterRandom(seed, 9)
  const shares = layout.sizes.flatMap((size, j) => {
    const raw = Array.from({ length: size }, (_, code) => 0.5 + random.uniform(100 + j, code))
    const total = raw.reduce((a, b) => a + b, 0)
    return raw.map((value) => value / total)
  })
  const params = Float32Array.from({ length: network.dimension }, (_, i) => 0.4 * random.normal(i, 0))
  return generatorWith(params, marginals ? Float64Array.from(shares) : null)
}
const plain = modelOf(1, false)
const raked = modelOf(2, true)

/** Level 1 of column 2 is cut three to seven, level 3 of it in three. */
const cut: ColumnCells = {
  parent: Uint16Array.of(0, 1, 1, 2, 3, 3, 3),
  share: Float64Array.of(1, 0.3, 0.7, 1, 0.5, 0.25, 0.25),
}
const cells = [null, null, cut, null, null]
const sizes = cells.map((column, j) => column?.parent.length ?? layout.sizes[j]!)
const everyRow = sizes.reduce<number[][]>(
  (rows, size) => rows.flatMap((row) => Array.from({ length: size }, (_, cell) => [...row, cell])),
  [[]],
)
const keyOf = (row: ArrayLike<number>) => sizes.reduce((key, size, j) => key * size + row[j]!, 0)

/** Probability of codes from the dense weights, in doubles: no code in common with the walk. */
const probability = (model: Generator, codes: readonly number[]): number => {
  const dense = unpack(network, weights.get(model)!)
  const width = layout.cells
  const input = new Float64Array(width)
  codes.forEach((code, j) => (input[layout.offsets[j]! + code] = 1))
  const hidden = Array.from(dense.hiddenBias, (bias, k) =>
    Math.max(
      input.reduce((sum, x, i) => sum + x * dense.inputHidden[i * network.hidden + k]!, bias),
      0,
    ),
  )
  const outputs = Array.from(dense.outputBias, (bias, o) => {
    const direct = input.reduce((sum, x, i) => sum + x * dense.inputOutput[i * width + o]!, bias)
    return hidden.reduce((sum, h, k) => sum + h * dense.hiddenOutput[k * width + o]!, direct)
  })
  return codes.reduce((product, code, j) => {
    const own = outputs.slice(layout.offsets[j]!, layout.offsets[j + 1]!).map(Math.exp)
    return (product * own[code]!) / own.reduce((a, b) => a + b, 0)
  }, 1)
}

const isMet = (condition: CellCondition, row: ArrayLike<number>): boolean => {
  if ('column' in condition) return condition.allowed[row[condition.column]!] === 1
  return 'all' in condition
    ? condition.all.every((part) => isMet(part, row))
    : condition.any.some((part) => isMet(part, row))
}

/** The distribution of every row of cells, by enumeration. */
const jointOf = (model: Generator): Float64Array => {
  const factors = tiltOf(model)?.factors
  const joint = Float64Array.from(everyRow, (row) => {
    const codes = row.map((cell, j) => cells[j]?.parent[cell] ?? cell)
    const tilt = codes.reduce((product, code, j) => product * (factors?.[layout.offsets[j]! + code] ?? 1), 1)
    return probability(model, codes) * tilt * cut.share[row[2]!]!
  })
  const total = joint.reduce((a, b) => a + b, 0)
  return joint.map((p) => p / total)
}
const joints = new Map([plain, raked].map((model) => [model, jointOf(model)]))

const truthOf = (model: Generator, condition: CellCondition) => {
  const masses = joints.get(model)!.map((p, key) => (isMet(condition, everyRow[key]!) ? p : 0))
  const support = masses.reduce((a, b) => a + b, 0)
  return { support, shares: masses.map((mass) => mass / support) }
}

/** Chance of counts at least this far from the truth, rows coming `copies` times at most; impossible rows make it 0. */
const fit = (rows: Uint16Array, shares: Float64Array, copies = 1): number => {
  const counts = new Float64Array(shares.length)
  for (let r = 0; r < rows.length; r += 5) counts[keyOf(rows.subarray(r, r + 5))]!++
  if (counts.some((count, key) => count > 0 && shares[key] === 0)) return 0
  const total = rows.length / 5
  const possible = [...shares.keys()].filter((key) => shares[key]! > 0)
  const distance = (key: number) => (counts[key]! - total * shares[key]!) ** 2 / (total * shares[key]!)
  const statistic = possible.reduce((sum, key) => sum + distance(key), 0)
  return chiSquareTail(statistic / copies, possible.length - 1)
}

const drawn = async (batches: AsyncIterable<Uint16Array>): Promise<Uint16Array> => {
  const all: number[] = []
  for await (const batch of batches) for (const cell of batch) all.push(cell)
  return Uint16Array.from(all)
}

const leaf = (column: number, ...allowed: number[]): CellCondition => ({
  column,
  allowed: Uint8Array.from({ length: sizes[column]! }, (_, cell) => (allowed.includes(cell) ? 1 : 0)),
})
const leading = { all: [leaf(0, 0, 2), { any: [leaf(1, 1), leaf(0, 2)] }] }
const range = leaf(2, 2, 3, 4)
const crossed: CellCondition = {
  any: [
    { all: [leaf(0, 0), leaf(3, 1)] },
    { all: [leaf(0, 1, 2), leaf(1, 1), leaf(3, 0, 2), leaf(2, 1, 4, 6)] },
    { all: [leaf(2, 2), leaf(4, 1)] },
  ],
}
const conditions = { leading, range, crossed, late: leaf(4, 1) }
const rows = 12_000

describe.each([
  ['as trained', plain],
  ['raked', raked],
])('a model %s', (_, model) => {
  describe.each(Object.entries(conditions))('under %s', (name, condition) => {
    const truth = truthOf(model, condition)

    // With 20,000 prefixes all of so small a model is exact; with one, nothing; with 12, the leading columns.
    it.each([20_000, 12, 1])('has the distribution that enumeration gives, with %d prefixes', async (most) => {
      const conditioned = conditionModel(model, cells, condition, most)
      expect(conditioned.isExact).toBe(most === 20_000 || (most === 12 && name === 'leading'))
      // Copies of a row inflate Pearson's statistic, by no more than their number.
      const copies = Math.max(1, conditioned.largestWeight * (rows / conditioned.drawsFor(rows)))
      expect(copies).toBeLessThan(2)
      expect(fit(await drawn(conditioned.sample(rows, 11)), truth.shares, copies)).toBeGreaterThan(alarm)
    })

    it.each([20_000, 12, 1])('tells its support within the error it states, with %d prefixes', (most) => {
      const { support, supportError } = conditionModel(model, cells, condition, most)
      expect(Math.abs(support - truth.support)).toBeLessThan(deviations * supportError + 1e-6)
      if (most === 1 || model === raked) expect(supportError).toBeGreaterThan(0)
      expect(supportError).toBeLessThan(0.03 * truth.support)
    })
  })
})

describe('what the comparison rejects', () => {
  const tilted: TiltedModel = { model: raked, tilt: tiltOf(raked)!.factors, cells }
  const lookahead = lookaheadOf(crossed)
  const { shares } = truthOf(raked, crossed)
  const propose = (over: TiltedModel, ahead: Lookahead) => {
    const free = prefixesOf(over, tiltedWalk(over), ahead, 1)
    return proposalOf(over, ahead, free)(counterRandom(3, 7), 0, 8 * rows)
  }
  /** Rows kept in proportion to their weights. */
  const kept = (proposed: { cells: Uint16Array; weights: Float64Array }) => {
    const random = counterRandom(4, 9)
    const top = proposed.weights.reduce((a, b) => Math.max(a, b), 0)
    const chosen = Array.from(proposed.weights.keys()).filter((r) => random.uniform(r, 0) * top < proposed.weights[r]!)
    return Uint16Array.from(chosen.flatMap((r) => [...proposed.cells.subarray(5 * r, 5 * r + 5)]))
  }

  it('is nothing when nothing is wrong', () => {
    expect(fit(kept(propose(tilted, lookahead)), shares)).toBeGreaterThan(alarm)
  })

  it('a forgotten weight', () => {
    expect(fit(propose(tilted, lookahead).cells.subarray(0, 5 * rows), shares)).toBeLessThan(alarm)
  })

  it('a restriction that ignores the columns before', () => {
    const possible = sizes.map((size, j) =>
      Uint8Array.from({ length: size }, (_, cell) =>
        everyRow.some((row) => row[j] === cell && isMet(crossed, row)) ? open : fails,
      ),
    )
    const blind: Lookahead = { ...lookahead, verdicts: (_row, column, out) => out.set(possible[column]!) }
    expect(fit(kept(propose(tilted, blind)), shares)).toBeLessThan(alarm)
  })

  it('a cut that ignores how much of the bin it takes', () => {
    const even = { parent: cut.parent, share: Float64Array.of(1, 0.5, 0.5, 1, 1 / 3, 1 / 3, 1 / 3) }
    const over = { ...tilted, cells: [null, null, even, null, null] }
    expect(fit(kept(propose(over, lookahead)), shares)).toBeLessThan(alarm)
  })

  it('a model that is not raked', () => {
    expect(fit(kept(propose({ ...tilted, tilt: null }, lookahead)), shares)).toBeLessThan(alarm)
  })
})

describe('conditionModel', () => {
  it('needs no weights for columns in front: as many draws as rows, and every row counts', async () => {
    const conditioned = conditionModel(plain, cells, leading)
    expect(conditioned).toMatchObject({ isExact: true, exactColumns: 2, largestWeight: 1, supportError: 0 })
    for (const n of [1, 20, 100_000]) {
      expect(conditioned.drawsFor(n)).toBe(n)
      expect(conditioned.effectiveRows(n)).toBe(n)
    }
    expect(conditionModel(raked, cells, leading).effectiveRows(50_000)).toBeGreaterThan(0.999 * 50_000)
  })

  it('counts copies as the cohort has them', async () => {
    // Nearly all weight on rare rows: the last column must be 1, which the model gives by chance of the others alone.
    const condition = {
      any: [{ all: [leaf(0, 1), leaf(1, 0), leaf(2, 1)] }, { all: [leaf(3, 2), leaf(4, 1), leaf(0, 2)] }],
    }
    const conditioned = conditionModel(raked, cells, condition, 1)
    expect(conditioned.largestWeight).toBeGreaterThan(2)
    expect(conditioned.effectiveRows(30_000)).toBeLessThanOrEqual(30_000)
    expect(conditioned.drawsFor(30_000)).toBeGreaterThan(60_000)
    expect(conditioned.drawsFor(10)).toBe(4096)
    expect(conditioned.effectiveRows(10)).toBeCloseTo(10, 6)
  })

  it('repeats for a seed, whatever else is drawn meanwhile, and differs for another', async () => {
    for (const condition of [leading, crossed]) {
      const conditioned = conditionModel(raked, cells, condition, 12)
      const all = await drawn(conditioned.sample(20_000, 5))
      expect(all.length).toBe(100_000)
      const [one, other] = [conditioned.sample(20_000, 5), conditioned.sample(300, 6)].map((batches) =>
        batches[Symbol.asyncIterator](),
      )
      const seen: number[] = []
      for (let step = await one!.next(); !step.done; step = await one!.next()) {
        seen.push(...step.value)
        await other!.next()
      }
      expect(Uint16Array.from(seen)).toEqual(all)
      expect(await drawn(conditionModel(raked, cells, condition, 12).sample(20_000, 5))).toEqual(all)
      expect(await drawn(conditioned.sample(300, 6))).not.toEqual(await drawn(conditioned.sample(300, 5)))
    }
  })

  it('draws a row by its number alone, in whatever portions', () => {
    const tilted: TiltedModel = { model: raked, tilt: tiltOf(raked)!.factors, cells }
    const lookahead = lookaheadOf(crossed)
    const propose = proposalOf(tilted, lookahead, prefixesOf(tilted, tiltedWalk(tilted), lookahead, 12))
    const random = counterRandom(9, 7)
    const whole = propose(random, 0, 100)
    const parts = [propose(random, 0, 1), propose(random, 1, 62), propose(random, 63, 37)]
    expect(parts.flatMap((part) => [...part.cells])).toEqual([...whole.cells])
    expect(parts.flatMap((part) => [...part.weights])).toEqual([...whole.weights])
  })

  it('refuses what nobody or hardly anybody meets', () => {
    const never = { all: [leaf(0, 1), leaf(0, 2)] }
    const sure = Float32Array.from(weights.get(plain)!)
    sure[network.outputBias + layout.offsets[0]!] = 20
    for (const [model, condition] of [
      [plain, never],
      [plain, leaf(3)],
      [generatorWith(sure, null), leaf(0, 1)],
    ] as const)
      for (const most of [20_000, 1])
        expect(() => conditionModel(model, cells, condition, most)).toThrow(
          expect.objectContaining({ code: 'SUPPORT_TOO_SMALL' }),
        )
  })

  const trees = fc.letrec<{ condition: CellCondition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4 },
      fc
        .nat(4)
        .chain((column) => fc.subarray([...Array(sizes[column]).keys()]).map((allowed) => leaf(column, ...allowed))),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
    ),
  })).condition

  test.prop([trees, fc.constantFrom(1, 12, 20_000), fc.nat(1000)], { numRuns: 25 })(
    'every row of a cohort meets its condition',
    async (condition, most, seed) => {
      const { support } = truthOf(raked, condition)
      if (support === 0) {
        expect(() => conditionModel(raked, cells, condition, most)).toThrow(/./)
        return
      }
      fc.pre(support > 1e-3)
      const cohort = await drawn(conditionModel(raked, cells, condition, most).sample(150, seed))
      expect(cohort.length).toBe(750)
      for (let r = 0; r < 750; r += 5) expect(isMet(condition, cohort.subarray(r, r + 5))).toBe(true)
    },
  )
})

describe('raking as factors', () => {
  const tilt = tiltOf(raked)!
  const codes = Uint16Array.from(everyRow.flatMap((row) => row.map((cell, j) => cells[j]?.parent[cell] ?? cell)))
  const joint = joints.get(raked)!
  // Student's t of 15 degrees of freedom, two-sided.
  const farOff = 8

  it('brings every column to its marginals, within the error that it states', () => {
    const misses = layout.sizes.flatMap((size, j) =>
      Array.from({ length: size }, (_, code) => {
        const held = joint.map((mass, key) => (codes[5 * key + j] === code ? mass : 0))
        const share = held.reduce((a, b) => a + b, 0)
        // Relative to what the replicates make of the whole, as every share is.
        const stated = share * fitError(tilt, layout.offsets, codes, held)
        return { miss: Math.abs(share - raked.marginals![layout.offsets[j]! + code]!), stated }
      }),
    )
    for (const { miss, stated } of misses) {
      expect(miss).toBeLessThan(farOff * stated)
      expect(miss).toBeLessThan(0.001)
    }
    const ratio = misses.reduce((sum, { miss, stated }) => sum + (miss / stated) ** 2, 0) / misses.length
    // Neither far too small nor so wide that nothing could miss it.
    expect(ratio).toBeGreaterThan(0.02)
  })

  it('makes the masses of all rows add up to 1, as prefixes do', () => {
    const mass = everyRow.reduce((sum, row, key) => {
      const own = Array.from(codes.subarray(5 * key, 5 * key + 5))
      const factors = own.reduce((product, code, j) => product * tilt.factors[layout.offsets[j]! + code]!, 1)
      return sum + probability(raked, own) * factors * cut.share[row[2]!]!
    }, 0)
    expect(Math.abs(mass - 1)).toBeLessThan(farOff * fitError(tilt, layout.offsets, codes, joint))
    const [one, other] = [leaf(0, 0), leaf(0, 1, 2)].map((part) => conditionModel(raked, cells, part))
    const error = Math.hypot(one!.supportError, other!.supportError)
    expect(Math.abs(one!.support + other!.support - 1)).toBeLessThan(deviations * error)
    expect(error).toBeLessThan(0.01)
  })

  it('takes a condition that nobody can fail as none', () => {
    for (const condition of [leaf(1, 0, 1), { all: [] }, { any: [leaf(2, 0, 1, 2), leaf(2, 2, 3, 4, 5, 6)] }])
      expect(conditionModel(raked, cells, condition)).toMatchObject({ isExact: true, support: 1, supportError: 0 })
  })

  it('tells what an unconditional cohort is worth', () => {
    const { draws, effectiveRows, largestWeight } = sampleWorth(raked, 40_000)
    expect(draws).toBe(65_536)
    expect(effectiveRows).toBeLessThan(40_000)
    expect(effectiveRows).toBeGreaterThan(4_000)
    expect(largestWeight).toBeGreaterThan(1)
    expect(sampleWorth(plain, 40_000)).toEqual({ draws: 40_000, effectiveRows: 40_000, largestWeight: 1 })
    expect(cellsIn({ model: raked, tilt: null, cells }, 2)).toBe(7)
  })
})
