import { CodedError } from '@tributary/shared/errors'
import type { RuledModel } from '@tributary/shared/constraint/ruled-model'
import { mostPrefixes } from '@tributary/shared/generator/prefixes'
import type { PrintedColumn } from '@tributary/shared/schema/printed-column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import type { AskedOrder } from './asked-order.ts'
import { fittedShares, type Margin } from './fitted-shares.ts'
import { isRuledOut, nobody, refuseFew, type Selection, selectionOf, textOf } from './selection.ts'
import { type Atom, atomsOf, marginsOf, type Respect } from './strata.ts'

/** A part of a cohort that has a number of rows of its own. */
export interface Stratum extends Selection {
  /** Of the synthetic population, and with the condition of the order. */
  readonly mass: number
  /** Of the cohort's rows. */
  readonly share: number
}

export interface Strata {
  readonly strata: readonly Stratum[]
  readonly margins: readonly Margin[]
  /** Combinations that hardly any synthetic patient has. */
  readonly absent: readonly string[]
}

/** What strata are made of. */
export interface StrataParts {
  readonly manifest: Manifest
  readonly ruled: RuledModel
  readonly asked: AskedOrder
  readonly respects: readonly Respect[]
  /** By respect, its ways over the cells of `printed`. */
  readonly wayCells: readonly (readonly CellCondition[])[]
  readonly printed: readonly PrintedColumn[]
  /** The condition of the order; null: none. */
  readonly where: CellCondition | null
}

/**
 * The strata of an order and their shares of the rows. Throws `SUPPORT_TOO_SMALL` where nobody can have a share that is asked for,
 * `SHARES_IMPOSSIBLE` where the shares cannot all hold, `COHORT_TOO_SMALL` for a stratum with rows below the study's floor.
 */
export const boundStrata = (parts: StrataParts): Strata => {
  const { manifest, ruled, asked, respects, wayCells, printed, where } = parts
  refuseTooMuch(asked, wayCells)
  const atoms = atomsOf(respects, wayCells, where)
  const prefixes = Math.max(leastPrefixes, Math.floor(mostPrefixes / Math.max(1, atoms.length)))
  const found: { atom: Atom; selection: Selection }[] = []
  const absent: string[] = []
  for (const atom of atoms) {
    const selection = present(() => selectionOf(ruled, printed, atom.cells, atom.text, 'where', prefixes))
    if (selection === null) absent.push(atom.text)
    else found.push({ atom, selection })
  }
  const ways = found.map(({ atom }) => atom.ways)
  const masses = found.map(({ selection }) => selection.conditioned.support)
  const { margins, fields } = marginsOf(asked, respects, ways, masses)
  refuseEmpty(respects, margins, fields)
  const fit = fittedShares(masses, margins)
  if ('worst' in fit) throw impossible('this share cannot hold beside the others', fields[fit.worst]!)
  const strata = found.map(({ selection }, i) => ({ ...selection, mass: masses[i]!, share: fit.shares[i]! }))
  const field = [...new Set(respects.map(({ kind }) => kind))].join(', ')
  for (const stratum of strata) if (stratum.share > 0) refuseFew(manifest, ruled.model, stratum, field)
  return { strata, margins, absent }
}

/** Even the smallest stratum may write down so many. */
const leastPrefixes = 512

/** Null where hardly a synthetic patient is in it. */
const present = (select: () => Selection): Selection | null => {
  try {
    return select()
  } catch (error) {
    if (error instanceof CodedError && error.code === 'SUPPORT_TOO_SMALL') return null
    throw error
  }
}

/** Nobody to have a share that is asked for. */
const refuseEmpty = (respects: readonly Respect[], margins: readonly Margin[], fields: readonly string[]): void => {
  margins.forEach(({ group, shares }, m) => {
    const respect = respects.find(({ field }) => field === fields[m])
    if (respect === undefined) return
    const text = textOf([respect.ways[0]!])
    shares.forEach((share, way) => {
      const isAsked = share > 0 || (respect.kind === 'augment' && way === 0)
      if (!isAsked || group.includes(way)) return
      const why =
        way === 0
          ? `hardly a synthetic patient meets ${text}`
          : `everybody meets ${text}: nobody is left for the other rows`
      throw nobody(why, respect.field)
    })
  })
}

/** Shares of conditions that no row meets together, one after the other. */
const refuseTooMuch = (asked: AskedOrder, wayCells: readonly (readonly CellCondition[])[]): void => {
  const first = asked.augment === null ? 0 : 1
  const cells = asked.reweight.map((_, i) => wayCells[first + i]![0]!)
  asked.reweight.forEach(({ condition }, i) => {
    const apart = [i]
    for (let k = 0; k < i; k++) if (apart.every((other) => isRuledOut([cells[k]!, cells[other]!]))) apart.push(k)
    const whole = apart.reduce((sum, k) => sum + asked.reweight[k]!.share, 0)
    if (whole > 1 + rounding)
      throw impossible(
        `with ${textOf([condition])} the shares add up to ${Number(whole.toPrecision(6))}: more than all rows`,
        `reweight.${i}.share`,
      )
  })
}

/** Shares written in decimals add up to 1 as nearly as this. */
const rounding = 1e-9

const impossible = (message: string, field: string) =>
  new CodedError('SHARES_IMPOSSIBLE', message, { place: { field } })
