import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, describe, expect, test } from 'vitest'
import { openedSum } from '../quality/pooled-training.ts'
import { runAudit } from './audit-run.ts'
import { judge } from './canary-audit.ts'
import { type CanaryDesign, ownLevels } from './canary-design.ts'
import { observe } from './white-box.ts'

const random = osRandomStreams()('sampling')
let engine: Engine
let histogram: CanaryDesign
beforeAll(async () => {
  engine = await loadEngine()
  histogram = ownLevels(4096)
})

test('R12 R13 R16 audit: canaries among the patients refute no claim, and the bound is not idle', async () => {
  const lines = await runAudit(4096, engine, random)
  expect(lines.flatMap(({ refuted }) => refuted)).toEqual([])
  // What is printed is wrong in one run of twenty by design: it is no test.
  for (const { deciding } of lines) expect(deciding.lower).toBeLessThanOrEqual(deciding.claimed)
  // 0.85 on average, with a deviation of 0.15: nothing at all is shown once in 10^8 runs.
  expect(lines[1]!.printed.lower).toBeGreaterThan(0)
})

/** Mistakes that no line of the product shows, made between the sites and the adversary. */
describe('the audit notices', () => {
  const refutedWith = async (open: typeof openedSum) => {
    const design = { ...histogram, places: histogram.places.slice(0, 1) }
    const line = judge('histogram', histogram, await observe(design, engine, random, open), { looked: [0] })
    return { ...line, refuted: line.refuted.join('; ') }
  }

  test('nothing where nothing is wrong', async () => {
    expect((await refutedWith(openedSum)).refuted).toBe('')
  })

  test('the noise of one site missing in the sum', async () => {
    const one: typeof openedSum = (manifest, query, sites, ...rest) =>
      openedSum(manifest, query, sites.slice(0, 1), ...rest)
    expect((await refutedWith(one)).refuted).toMatch(/less noise/)
  })

  test('a sum that is opened 60 times for the price of one: more guesses are right than the claim allows', async () => {
    const often: typeof openedSum = async (...opening) => {
      const mean = await openedSum(...opening)
      for (let i = 1; i < 60; i++) (await openedSum(...opening)).forEach((value, k) => (mean[k]! += value))
      return mean.map((value) => value / 60)
    }
    const { deciding, printed, refuted } = await refutedWith(often)
    expect(deciding.lower).toBeGreaterThan(deciding.claimed)
    expect(printed.lower).toBeGreaterThan(1.5 * printed.claimed)
    expect(refuted).toMatch(/more coins were guessed/)
  })

  test('patients who are in three hospitals of the study', async () => {
    const thrice: typeof openedSum = (manifest, query, [first], ...rest) =>
      openedSum(manifest, query, [first!, first!, first!], ...rest)
    expect((await refutedWith(thrice)).refuted).toMatch(/more than the clip norm/)
  })
})
