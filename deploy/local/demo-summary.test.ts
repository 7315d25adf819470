import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifest } from '@tributary/shared/study/manifest'
import { describe, expect, it } from 'vitest'
import { demoSummary, styleFor } from './demo-summary.ts'
import { hospitals, oneVisitEach, simulatePatients } from './patient-simulator.ts'

const file = join(import.meta.dirname, '../samples/studies/demo.yaml')
const manifest = parseManifest(readFileSync(file, 'utf8'), file)
const visits = (seed: number) =>
  hospitals.flatMap((hospital) => oneVisitEach(simulatePatients({ ...hospital, patients: 300 }, seed), seed))
const site = {
  epsilon: 1.9,
  ledgerEpsilon: 1.9,
  bytesSent: 16_444_389,
  bytesPerParameter: 20,
  peakMemoryBytes: 284_565_504,
  sent: [
    { kind: 'contribution', messages: 81, bytes: 2_703_976 },
    { kind: 'deal', messages: 81, bytes: 11_047_161 },
    { kind: 'check', messages: 81, bytes: 52_812 },
    { kind: 'approval', messages: 1, bytes: 342 },
  ],
}
const result = {
  manifest,
  training: visits(1),
  fresh: visits(2),
  cohort: visits(3),
  out: 'out/demo',
  asked: { rows: 5000, seed: 7, where: 'age >= 65 AND diabetes = yes', purpose: 'a test' },
  release: {
    folder: '/x/out/demo/release',
    support: 0.081,
    expectedPatients: 955.8,
    effectiveSampleSize: 3870.2,
    handling: 'weighted',
    files: 9,
    signer: '0681 7956 57a5 e1b3 4276 a935 9e6d 0756',
  },
  report: {
    study: 'ab',
    epsilon: { public: 1.66, peer: 2 },
    delta: 5e-6,
    unit: 'patient' as const,
    engine: 'wasm',
    sites: Object.fromEntries(hospitals.map(({ name }) => [name, site])),
    coordinator: { peakMemoryBytes: 1 },
    seconds: { setup: 20, marginals: 1, training: 60, cohort: 8 },
    rounds: [],
  },
}

describe('demo summary', () => {
  const text = demoSummary(result, styleFor({ isTTY: true }, { NO_COLOR: '1' }))

  it('fits 100 columns and carries no colour when asked for none', () => {
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(100)
    expect(text).not.toContain('\u001b')
    expect(demoSummary(result, styleFor({ isTTY: true }, {}))).toContain('\u001b[1m')
    expect(demoSummary(result, styleFor({ isTTY: false }, {}))).toBe(text)
  })

  it('shows both views of epsilon as odds, each kind of message, and the study’s hospitals', () => {
    expect(text).toContain('epsilon 1.66:  50 % before -> at most 85 % after')
    expect(text).toContain('epsilon 2.00:  50 % before -> at most 89 % after')
    expect(text).toMatch(/sealed, noised sums +81 x 33\.4 kB/)
    expect(text).toMatch(/checks of the shares of others +81 x 0\.7 kB/)
    expect(text).toMatch(/consent: roster, approval, box keys +1 x 0\.3 kB/)
    expect(text).toMatch(/arbor +bay +cedar +delta/)
  })

  it('marks the groups that the noise needs more patients for, and no others', () => {
    const marks = text.split('\n').filter((line) => line.includes('<- few'))
    expect(marks).toHaveLength(2)
    expect(marks[0]).toMatch(/hypertension, G4-5 .* %  <- few$/)
    expect(marks[1]).toMatch(/needs about 4\d\d patients .* not learned well$/)
    const [marginals, ...others] = manifest.plan.queries
    const quiet = { ...manifest.plan, queries: [{ ...marginals!, noise_multiplier: 0.1 }, ...others] }
    expect(demoSummary({ ...result, manifest: { ...manifest, plan: quiet } }, styleFor({}, {}))).not.toContain('<- few')
  })

  it('says what a researcher asked for, what stands behind it, and that it was verified', () => {
    expect(text).toMatch(/where +age >= 65 AND diabetes = yes/)
    expect(text).toMatch(/support +8\.1 % of generated people, about 956 of the patients/)
    expect(text).toMatch(/rows +5,000 weighted, worth 3,870; privacy cost 0/)
    expect(text).toMatch(/tributary verify +9 files as signed by 0681 7956/)
    expect(text).toContain('out/demo/release/report.html')
  })

  it('the demo study asks for the patients that the simulator makes, and each of its columns', () => {
    expect(manifest.sites.map(({ name, promised_patients: patients }) => ({ name, patients }))).toEqual(
      hospitals.map(({ name, patients }) => ({ name, patients })),
    )
    for (const hospital of hospitals) {
      const rows = simulatePatients(hospital, 1).reduce((sum, { visits }) => sum + visits.length, 0)
      const promised = manifest.sites.find(({ name }) => name === hospital.name)?.promised_rows ?? 0
      expect(rows).toBeLessThan(promised)
      expect(rows / promised).toBeGreaterThan(0.95)
    }
  })
})
