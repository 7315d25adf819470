import { describe, expect, it } from 'vitest'
import { freezeStudy, parseStudy } from '../study/manifest.ts'
import { pathText } from '../study/finding.ts'
import { queriesOf } from '../study/plan-block.ts'
import { checkPlan } from './plan.ts'
import { queryFactsOf } from './query-facts.ts'

const studyWith = (family: string, patients: number) =>
  freezeStudy(
    parseStudy(
      `tributary: study/1
name: reach
purpose: test
source: { format: csv }
columns: [${['a', 'b', 'c'].map((name) => `{ name: ${name}, kind: categorical, levels: [x, y] }`).join(', ')}]
privacy: { patient_key: who, epsilon: 3, delta: 1.0e-7 }
family: ${family}
sites: [${['n', 'o', 'p'].map((site) => `{ name: ${site}, promised_patients: ${patients}, promised_rows: ${patients} }`).join(', ')}]
`,
      'reach.yaml',
    ).draft,
  )

describe('sums whose units pull the same way', () => {
  const manifest = studyWith('{ name: gan, sampling_rate: 0.5 }', 150_000)
  const gradient = queriesOf(manifest.plan)[1]!
  const { reach } = queryFactsOf(manifest)[1]!

  it('have room in the grid for a site whose patients are all alike', () => {
    expect(reach).toBeGreaterThan(0.1)
    const aligned = reach * gradient.samplingRate * 150_000
    expect(gradient.grid.clamp * gradient.grid.step).toBeGreaterThan(2 * aligned)
    expect(checkPlan(manifest)).toEqual([])
  })

  it('are not left to a clamp that is enough for gradients of networks', () => {
    const network = studyWith('{ name: autoregressive, sampling_rate: 0.5 }', 150_000)
    expect(queryFactsOf(network)[1]!.reach).toBe(0)
    const narrow = structuredClone(manifest)
    narrow.plan.queries[1]!.grid.clamp =
      Math.ceil((32 * gradient.clipNorm) / gradient.grid.step) + 32 * gradient.grid.shareSteps
    expect(checkPlan(narrow).map(({ path }) => pathText(path))).toContain('plan.queries[1].grid.clamp')
  })
})
