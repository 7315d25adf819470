import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import type { Phase } from '@tributary/shared/dp/accountant'
import { count, type Delta, delta, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { notRunFile, requireData } from './requirement.ts'

/** Reference privacy-accounting vectors, made by dp-accounting, Opacus and prv_accountant; see their README. */
const folder = '../shared/vectors/dp'

/** Python writes infinities that JSON does not know; here they become null. */
const parse = (text: string): unknown => JSON.parse(text.replaceAll(/-?\b(Infinity|NaN)\b/g, 'null'))

export const readVectors = <Row>(path: string, name: string): readonly Row[] =>
  parse(readFileSync(join(path, `${name}.json`), 'utf8')) as Row[]

/** One test over every row of a vector file. Missing vectors are said aloud and noted; with REQUIRE_SERVICES=1 they fail. */
export const vectorTest = <Row>(title: string, name: string, body: (rows: readonly Row[]) => void): void =>
  test(title, ({ skip }) => {
    const expected = `expected at ${folder}`
    const { present, path } = requireData(folder, expected, () => {
      const entry = { what: 'reference vectors missing', how: expected }
      mkdirSync(join(notRunFile, '..'), { recursive: true })
      appendFileSync(notRunFile, `${JSON.stringify(entry)}\n`)
      console.log(`NOT RUN: ${entry.what} (${entry.how})`)
    })
    if (!present) return skip(expected)
    body(readVectors<Row>(path, name))
  })

/** A phase list as the vectors store it. */
export interface VectorPlan {
  readonly id: string
  readonly phases: readonly { readonly sigma: number; readonly q: number; readonly steps: number }[]
  readonly delta: number
  readonly eps_rdp_opacus: number
  readonly eps_pld_upper: number
  readonly eps_prv_lower: number
  readonly eps_prv_estimate: number
  readonly eps_prv_upper: number
  readonly eps_exact_gaussian: number | null
}

/** One phase from plain numbers. */
export const phaseOf = (sigma: number, q: number, steps: number, recordsPerUnit = 1): Phase => ({
  noiseMultiplier: noiseMultiplier(sigma),
  samplingRate: samplingRate(q),
  steps: count('steps', steps),
  recordsPerUnit,
})

export const planOf = (row: VectorPlan): { readonly phases: readonly Phase[]; readonly delta: Delta } => ({
  phases: row.phases.map(({ sigma, q, steps }) => phaseOf(sigma, q, steps)),
  delta: delta(row.delta),
})
