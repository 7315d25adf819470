import { CodedError } from '../errors.ts'
import type { Generator } from '../generator/generator.ts'
import { drawsFor } from '../generator/pools.ts'
import { cellAt } from '../generator/proposal.ts'
import { tickAt } from '../schema/numeric.ts'
import { type CounterRandom, counterRandom } from '../synthesizers/counter-random.ts'
import { resample } from '../synthesizers/resample.ts'
import { isKept } from './cell-verdict.ts'
import type { CompiledRules } from './compiled-rules.ts'
import { type RuleComponent, ruleComponents } from './rule-component.ts'
import { type RuledLayout, ruledLayout } from './ruled-layout.ts'
import { type RuledWalk, ruledWalk } from './ruled-walk.ts'
import { ticksIn } from './tick-grid.ts'

/** Fixed: what rules do to a model is a function of both alone. */
const pilotSeed = 0
const pilotStream = 14
const pilotRows = 4096

/** Free draws of a row, as many as leave one row in 500 without one that keeps the rules; none where it would take more. */
const unlucky = 1 / 500
const mostTries = 64
/** Rows chosen from a pool of rows drawn under the rules, and the least that such a pool holds. */
const chosenRows = 8192
const leastPool = 512
/** Trial rows that stand in should a whole pool run into what the model never has. */
const mostSpares = 256

/** Random numbers of one row: the model's own are far below; 256 lots of them. */
const lot = 2 ** 22
const insideLot = 2 ** 21
const walkLot = 128 * lot
const pickLot = 256

/**
 * A generator whose rows all keep the rules; its levels are cells of `compiled.printed`. No other row is possible: what chooses among its rows,
 * by weights or by a condition, cannot bring one back.
 *
 * `drawRows` follows the model's distribution given the rules, values in cells evenly spread (rejection, von Neumann 1951): those
 * of a batch that break one are drawn again, all together. One row in 500 finds none within 64 draws at most; where that would be
 * more rows, the rules have less than a tenth of the model's mass, and no row is drawn freely. What is left over is drawn column by
 * column from what may be (`walk`) and resampled by weight, up to eight to one and 512 at least (sampling importance resampling, Rubin 1987), which comes
 * near the same distribution as the pool grows.
 * `walk` is renormalised column by column; its `kept` is the weight that makes up for it, exact where no column of numbers is compared
 * with two others.
 * Throws `CONSTRAINT_BROKEN` where no row at all is found that keeps the rules, or none of 4,096 trial rows comes to its end under the rules. Cost: 1 / mass draws a row down to a tenth, then up to eight
 * walks; a walk a trial row, once. Memory: a batch, and 65,536 rows.
 */
export const ruledGenerator = (model: Generator, compiled: CompiledRules): Generator => {
  const components = ruleComponents(compiled)
  if (components.length === 0) return model
  if (!components.every((component) => component.hasRow())) throw rowless()
  const ruled = ruledLayout(model, compiled.printed, components)
  const trial = trialOf(model, ruled, components)
  const { mass } = trial
  const tries = Math.ceil(Math.log(unlucky) / Math.log1p(-Math.min(mass, 1 - 1e-9)))
  const rows = new RowDraws(model, compiled, components, ruled, tries > mostTries ? 0 : tries, trial)
  return {
    family: model.family,
    isMasked: true,
    layout: ruled.layout,
    marginals: ruled.marginals,
    levels: ruled.levels,
    drawRows: (random, first, count) => rows.draw(random, first, count),
    walk: () => ruledWalk(model, ruled, components, mass),
    encode: () => model.encode(),
  }
}

interface Trial {
  /** Of the rules under the model: mean weight of the trial rows. */
  readonly mass: number
  readonly weights: Float64Array
  /** The first trial rows that came to an end. */
  readonly spares: readonly Uint16Array[]
}

const trialOf = (model: Generator, ruled: RuledLayout, components: readonly RuleComponent[]): Trial => {
  const random = counterRandom(pilotSeed, pilotStream)
  const walk = ruledWalk(model, ruled, components, 1)
  const row = new Uint16Array(ruled.layout.sizes.length)
  const masses = new Float64Array(Math.max(...ruled.layout.sizes))
  const spares: Uint16Array[] = []
  const weights = new Float64Array(pilotRows)
  let total = 0
  for (let r = 0; r < pilotRows; r++) {
    const weight = walkedRow(walk, ruled, (j) => random.uniform(r, j), row, masses)
    weights[r] = weight
    total += weight
    if (weight > 0 && spares.length < mostSpares) spares.push(row.slice())
  }
  if (!(total > 0)) throw rowless()
  return { mass: Math.min(total / pilotRows, 1), weights, spares }
}

const rowless = () =>
  new CodedError('CONSTRAINT_BROKEN', 'the generator has hardly a row that keeps the constraints', {
    place: { field: 'constraints' },
  })

/** A row by the walk, into `row`; its weight, 0 where it came to no end. */
const walkedRow = (
  walk: RuledWalk,
  { layout: { offsets, sizes } }: RuledLayout,
  uniform: (column: number) => number,
  row: Uint16Array,
  masses: Float64Array,
): number => {
  walk.start()
  let weight = 1
  for (let j = 0; j < sizes.length; j++) {
    const from = offsets[j]!
    const size = sizes[j]!
    let top = Number.NEGATIVE_INFINITY
    for (let i = 0; i < size; i++) top = Math.max(top, walk.logits[from + i]!)
    if (top === Number.NEGATIVE_INFINITY) return 0
    let total = 0
    for (let i = 0; i < size; i++) total += masses[i] = Math.exp(walk.logits[from + i]! - top)
    row[j] = cellAt(masses, size, total * uniform(j))
    weight *= walk.kept
    walk.take(j, row[j]!)
  }
  return weight
}

/** The first `lot` random numbers of a row are the model's own, as many follow for each further try. */
const tryOf = (random: CounterRandom, attempt: number): CounterRandom =>
  attempt === 0
    ? random
    : {
        uniform: (row, draw) => random.uniform(row, draw + attempt * lot),
        normal: (row, draw) => random.normal(row, draw + attempt * lot),
      }

class RowDraws {
  readonly #model: Generator
  readonly #compiled: CompiledRules
  readonly #components: readonly RuleComponent[]
  readonly #ruled: RuledLayout
  readonly #tries: number
  readonly #spares: readonly Uint16Array[]
  /** Rows drawn for each that is chosen. */
  readonly #draws: number
  readonly #walk: RuledWalk
  readonly #masses: Float64Array
  readonly #row: { readonly cells: Uint16Array; readonly ticks: Float64Array }

  constructor(
    model: Generator,
    compiled: CompiledRules,
    components: readonly RuleComponent[],
    ruled: RuledLayout,
    tries: number,
    { spares, weights }: Trial,
  ) {
    this.#model = model
    this.#compiled = compiled
    this.#components = components
    this.#ruled = ruled
    this.#tries = tries
    this.#spares = spares
    this.#draws = drawsFor(weights)
    this.#walk = ruledWalk(model, ruled, components, 1)
    this.#masses = new Float64Array(Math.max(...ruled.layout.sizes))
    const columns = compiled.printed.length
    this.#row = { cells: new Uint16Array(columns), ticks: new Float64Array(columns) }
  }

  draw(random: CounterRandom, first: number, rows: number): Uint16Array {
    const columns = this.#compiled.printed.length
    const drawn = new Uint16Array(rows * columns)
    let waiting = Array.from({ length: rows }, (_, r) => r)
    for (let attempt = 0; attempt < this.#tries && waiting.length > 0; attempt++) {
      const own = tryOf(random, attempt)
      const codes = this.#model.drawRows(own, first, waiting.length)
      waiting = waiting.filter((r, i) => {
        const row = codes.subarray(i * columns, (i + 1) * columns)
        this.#divide(row, own, first + i)
        if (!this.#isKept(row, own, first + i)) return true
        drawn.set(row, r * columns)
        return false
      })
    }
    for (let from = 0; from < waiting.length; from += chosenRows) {
      const part = waiting.slice(from, from + chosenRows)
      const chosen = this.#chosen(random, first + from, part.length)
      part.forEach((r, i) => drawn.set(chosen.subarray(i * columns, (i + 1) * columns), r * columns))
    }
    return drawn
  }

  /** Parts in place of groups, by share. */
  #divide(row: Uint16Array, random: CounterRandom, number: number): void {
    this.#ruled.columns.forEach((column, j) => {
      if (column === null) return
      const parts = column.parts[row[j]!]!
      const { share } = column
      let left = parts.length > 1 ? random.uniform(number, insideLot + 2 * j) : 0
      if (parts.length > 1) left *= parts.reduce((sum, part) => sum + share[part]!, 0)
      const found = parts.find((part) => share[part]! > 0 && (left -= share[part]!) < 0) ?? parts.at(-1)
      // A group without levels, which a model gives no mass, stands for the first part there is.
      row[j] = found ?? 0
    })
  }

  /** Whether a row of parts keeps the rules, with values drawn for it. */
  #isKept(row: Uint16Array, random: CounterRandom, number: number): boolean {
    const { printed, linked } = this.#compiled
    const { cells, ticks } = this.#row
    for (const { columns, classes } of this.#components)
      columns.forEach((j, place) => {
        cells[j] = classes[place]!.first[this.#ruled.columns[j]!.classOf[row[j]!]!]!
      })
    for (const j of linked) {
      const { from, to } = ticksIn(printed[j]!)
      const cell = cells[j]!
      ticks[j] = tickAt(from[cell]!, to[cell]!, random.uniform(number, insideLot + 2 * j + 1))
    }
    const classOf = (column: number) => this.#ruled.columns[column]!.classOf[row[column]!]!
    return this.#components.every(
      (component) => component.rules.every((rule) => isKept(rule, this.#row, printed)) && component.canPlace(classOf),
    )
  }

  /** Rows of the walk, chosen by weight; `first`: number of the first. */
  #chosen(random: CounterRandom, first: number, rows: number): Uint16Array {
    const columns = this.#compiled.printed.length
    const drawn = Math.max(leastPool, Math.ceil(this.#draws * rows))
    const made = new Uint16Array(drawn * columns)
    const weights = new Float64Array(drawn)
    for (let k = 0; k < drawn; k++) {
      const [number, from] = [first + (k % rows), walkLot + Math.floor(k / rows) * columns]
      const row = made.subarray(k * columns, (k + 1) * columns)
      weights[k] = walkedRow(this.#walk, this.#ruled, (j) => random.uniform(number, from + j), row, this.#masses)
    }
    const chosen = new Uint16Array(rows * columns)
    const isEmpty = weights.every((weight) => weight === 0)
    const picks = tryOf(random, pickLot)
    const picked = isEmpty ? null : resample(weights, rows, picks, first)
    for (let r = 0; r < rows; r++) {
      const spare = () => this.#spares[Math.floor(picks.uniform(first + r, 0) * this.#spares.length)]!
      const row = picked === null ? spare() : made.subarray(picked[r]! * columns, (picked[r]! + 1) * columns)
      chosen.set(row, r * columns)
    }
    return chosen
  }
}
