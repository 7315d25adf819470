import { CodedError } from '../errors.ts'
import { count } from '../units.ts'
import type { CellCondition, ColumnCells } from '../synthesizers/cell-condition.ts'
import type { Layout } from '../synthesizers/cells.ts'
import { holds, lookaheadOf } from '../synthesizers/condition-lookahead.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { resample, squaredCopies } from '../synthesizers/resample.ts'
import { prefixesOf } from './prefixes.ts'
import { type Proposal, proposalOf } from './proposal.ts'
import { drawsFor, type Pool, poolsFor } from './pools.ts'
import { fitError, tiltOf } from './tilt.ts'
import { type TiltedModel, tiltedWalk } from './tilted-model.ts'
import type { Generator } from './generator.ts'
import { composedCells, withLevels } from './generator-levels.ts'

/** Rows drawn to learn what a condition does, from a seed that nobody chooses. */
const pilotRows = 8192
const pilotSeed = 0
const pilotStream = 5
/** Streams of the order's seed; unconditional cohorts use 1 and 2. */
const drawStream = 7
const pickStream = 8
const levelStream = 11

/** Below this share of the population, or with fewer pilot rows that meet the condition, there is nothing to draw from. */
const leastSupport = 1e-6
const leastMatches = 16

/** A released model under a condition: what `plan` tells and what a cohort is drawn from. */
export interface ConditionedModel {
  /** Leading columns whose part of the condition is met exactly, by drawing from all its solutions. */
  readonly exactColumns: number
  /** The whole condition is met so: no weights but those of raking. */
  readonly isExact: boolean
  /** Mass of the condition under the raked model, and its standard error over pilots, that of the raking's fit included. */
  readonly support: number
  readonly supportError: number
  /** Largest weight of a pilot row over the mean. */
  readonly largestWeight: number
  /** Rows drawn for a cohort of `rows`. */
  drawsFor(rows: number): number
  /** Expected worth of a cohort of `rows`, in rows that are not repeated (Kish 1965). */
  effectiveRows(rows: number): number
  /** `rows` rows of cells in batches of at most 32,768; equal seeds give equal rows. */
  sample(rows: number, seed: number): AsyncIterable<Uint16Array>
}

/**
 * The conditional distribution of the raked model, given `condition` over the cells of `cuts`, which cut the study's levels (null: a column
 * without cuts). Rows whose
 * weights differ are drawn up to eight to one and resampled in pools of at most 65,536. Memory does not grow with the cohort.
 * `mostPrefixes`: what is met exactly at most, see `prefixesOf`.
 * Throws `SUPPORT_TOO_SMALL` when the condition has a mass below 1e-6, or hardly a pilot row meets it.
 */
export const conditionModel = (
  model: Generator,
  cuts: readonly (ColumnCells | null)[],
  condition: CellCondition,
  mostPrefixes?: number,
): ConditionedModel => {
  const lookahead = lookaheadOf(condition)
  // What the condition does not name is drawn in groups, and its levels afterwards.
  const isOpen = (j: number) => cuts[j] === null && !lookahead.columns.includes(j)
  const cells = cuts.map((cut, j) => (isOpen(j) ? null : composedCells(model.levels[j]!, cut)))
  const later = model.levels.map((levels, j) => (isOpen(j) ? levels : null))
  const isSure = lookahead.verdict(new Uint16Array(cells.length), 0) === holds
  const tilt = tiltOf(model)
  const tilted: TiltedModel = { model, tilt: tilt?.factors ?? null, cells }
  const prefixes = prefixesOf(tilted, tiltedWalk(tilted), lookahead, mostPrefixes)
  if (prefixes.prefixes.length === 0) throw tooSmall('no synthetic patient meets the condition')
  const proposal = proposalOf(tilted, lookahead, prefixes)
  const pilot = proposal(counterRandom(pilotSeed, pilotStream), 0, pilotRows)
  const { weights } = pilot
  const matches = weights.reduce((seen, weight) => seen + (weight > 0 ? 1 : 0), 0)
  if (matches < leastMatches) throw tooSmall(`${matches} of ${pilotRows} trial rows meet the condition`)
  // Then every row has the same weight: there is nothing to choose.
  const isEven = prefixes.isDecided && tilt === null && model.isMasked !== true
  const mass = isEven ? { mean: weights[0]!, error: 0 } : meanOf(weights)
  const support = isSure ? 1 : Math.min(mass.mean, 1)
  if (support < leastSupport) throw tooSmall('less than one synthetic patient in a million meets the condition')
  const learned = tilt === null ? 0 : fitError(tilt, model.layout.offsets, codesOf(pilot.cells, cells), weights)
  const largestWeight = isEven ? 1 : weights.reduce((a, b) => Math.max(a, b), 0) / mass.mean
  const pools = poolsFor(isEven ? 1 : drawsFor(weights), isEven)
  return {
    exactColumns: prefixes.depth,
    isExact: prefixes.isDecided,
    support,
    supportError: isSure ? 0 : support * Math.hypot(mass.error / mass.mean, learned),
    largestWeight,
    drawsFor: (rows) => pools(rows).reduce((sum, { drawn }) => sum + drawn, 0),
    effectiveRows(rows) {
      if (isEven) return rows
      const copies = pools(rows).reduce((sum, { drawn, kept }) => sum + squaredCopies(weights, drawn, kept), 0)
      return Math.min(rows, (rows * rows) / copies)
    },
    sample: (rows, seed) => sampleConditioned(proposal, pools(count('rows', rows)), isEven, seed, model.layout, later),
  }
}

async function* sampleConditioned(
  proposal: Proposal,
  pools: readonly Pool[],
  isEven: boolean,
  seed: number,
  layout: Layout,
  later: readonly (ColumnCells | null)[],
): AsyncIterable<Uint16Array> {
  const draws = counterRandom(seed, drawStream)
  const picks = counterRandom(seed, pickStream)
  const inside = counterRandom(seed, levelStream)
  const columns = later.length
  let made = 0
  for (const [pool, { first, drawn, kept }] of pools.entries()) {
    const { cells, weights } = proposal(draws, first, drawn)
    if (isEven) {
      yield withLevels(layout, later, cells, inside, made)
      made += kept
      continue
    }
    if (!weights.some((weight) => weight > 0)) throw tooSmall('hardly a synthetic patient meets the condition')
    const chosen = new Uint16Array(kept * columns)
    resample(weights, kept, picks, pool).forEach((row, i) =>
      chosen.set(cells.subarray(row * columns, (row + 1) * columns), i * columns),
    )
    yield withLevels(layout, later, chosen, inside, made)
    made += kept
  }
}

/** Codes of the layout of rows of cells. */
const codesOf = (rows: Uint16Array, cells: readonly (ColumnCells | null)[]): Uint16Array =>
  rows.map((cell, i) => cells[i % cells.length]?.parent[cell] ?? cell)

const meanOf = (values: Float64Array): { mean: number; error: number } => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return { mean, error: Math.sqrt(variance / values.length) }
}

const tooSmall = (message: string) => new CodedError('SUPPORT_TOO_SMALL', message)
