import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { describe, expect, it } from 'vitest'
import { cohortMetadata } from './cohort-metadata.ts'
import { requireCompleted, roundReports, siteReport } from './run-report.ts'

const manifest = {
  name: 'demo',
  privacy: { unit: 'patient', delta: 1e-6 },
  columns: [
    { name: 'sex', kind: 'categorical', levels: ['f', 'm'], missing: 'refuse' },
    { name: 'age', kind: 'numeric', bins: [0, 50], maximum: 99, integer: true, missing: 'level' },
  ],
  plan: {
    queries: [
      { kind: 'marginals', dimension: 10 },
      { kind: 'gradient', dimension: 100 },
    ],
  },
} as unknown as Manifest

const round = (query: string, step: number, state: string, contributors: string[]) => ({
  id: `${query}-${step}`,
  kind: query,
  step,
  attempt: 0,
  state,
  contributors,
})

const progress = (state: 'completed' | 'stopped') => ({
  state,
  phase: 'gradient',
  step: 2,
  steps: 2,
  data: { rounds: [round('marginals', 0, 'completed', ['a', 'b']), round('gradient', 0, 'completed', ['a'])] },
})

/** A row study: the ledger counts a patient with the most rows. */
const charged = { unit: 2, patient: 7 }

describe('run report', () => {
  it('spreads contributions over the values of the rounds that counted the site', () => {
    const rounds = roundReports(progress('completed'))
    const sent = [
      { kind: 'contribution', messages: 2, bytes: 880 },
      { kind: 'deal', messages: 2, bytes: 5000 },
    ]
    const stopped = { bytesSent: 5880, peakMemoryBytes: 7, engine: 'wasm' }
    expect(siteReport('a', stopped, charged, sent, rounds, manifest)).toMatchObject({
      epsilon: 2,
      ledgerEpsilon: 7,
      bytesPerParameter: 8,
      peakMemoryBytes: 7,
      sent,
    })
    expect(siteReport('b', stopped, charged, sent, rounds, manifest)).toMatchObject({ bytesPerParameter: 88 })
    expect(siteReport('c', stopped, charged, sent, rounds, manifest)).toMatchObject({ bytesPerParameter: 0 })
  })

  it('refuses an agent that did not say what it sent', () => {
    expect(() => siteReport('a', {}, charged, [], [], manifest)).toThrow('bytesSent')
  })

  it('a study that stopped is no success', () => {
    expect(() => requireCompleted(progress('completed'))).not.toThrow()
    expect(() => requireCompleted(progress('stopped'))).toThrow(expect.objectContaining({ code: 'ATTEMPTS_EXHAUSTED' }))
  })
})

describe('cohort metadata', () => {
  it('says synthetic, names the guarantee, and types every column in order', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-metadata-'))
    try {
      writeFileSync(join(folder, 'cohort.csv'), 'sex,age\n')
      const facts = { manifest, study: 'ab', rows: 0, seed: 1, epsilon: { public: 1, peer: 2 } }
      const metadata = cohortMetadata(join(folder, 'cohort.csv'), 'cohort.csv', facts)
      expect(metadata['dc:description']).toContain('SYNTHETIC')
      const properties = Object.fromEntries(
        metadata['schema:additionalProperty'].map((entry) => [entry['schema:name'], entry['schema:value']]),
      )
      expect(properties).toMatchObject({ synthetic: 'true', 'epsilon, to the public': 1, delta: 1e-6 })
      expect(properties['sha256']).toMatch(/^[0-9a-f]{64}$/)
      expect(metadata.tableSchema.columns.map(({ name }) => name)).toEqual(['sex', 'age', '_synthetic_release'])
      expect(metadata.tableSchema.columns[1]?.datatype).toEqual({ base: 'integer', minimum: 0, maximum: 99 })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
