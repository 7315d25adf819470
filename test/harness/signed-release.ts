import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digest } from '@tributary/shared/ids'
import { csvwSyntheticType, digitalSourceType, markColumn } from '@tributary/shared/synthetic-mark'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import { attest } from '../../coordinator/release/attestation.ts'
import { checksumsText } from '../../coordinator/release/checksums.ts'
import { releaseSchema } from '../../coordinator/release/release-schema.ts'

/** Numbers of a report that its summary tells. */
const report = (release: string) => ({
  tributary: 'report/1',
  synthetic: true,
  release,
  created: '2026-11-22T10:00:00.000Z',
  context_of_use: 'sample size',
  not_for: ['decisions about a patient'],
  generator: { name: 'ckd-2027' },
  verdict: { grade: 'usable', headline: 'Most cells are known.', sentences: ['Pairs are coarser.'] },
  asked: { rows: 3, seed: 7, where: 'age >= 60', effective_sample_size: 2.5 },
  privacy: {
    unit: 'patient',
    delta: 1e-6,
    public: { epsilon: 1, odds: '50 % before -> at most 74 % after' },
    peer: { epsilon: 1.3, odds: '50 % before -> at most 79 % after' },
  },
  participation: { invited: ['north', 'lake', 'river'], attempts: 42, opened: 40 },
  fidelity: { cells: 120, inside: 118, network_inside: 97, raking_effective_share: 0.83 },
  support: { support: 0.081, warnings: [{ code: 'SUPPORT_THIN', message: 'fewer than 20 patients' }] },
})

/** The files of a small release that `verifyRelease` finds sound, by name. */
export const signedRelease = (release: string, signer: IdentityKey): ReadonlyMap<string, Buffer> => {
  const hash = 'a'.repeat(64)
  const cells = ['age', '61', '72', '83']
  const manifest = releaseSchema.parse({
    tributary: 'release/1',
    synthetic: true,
    notice: 'Synthetic rows.',
    digital_source_type: digitalSourceType,
    release,
    created: '2026-11-22T10:00:00.000Z',
    federation: 'Rhine',
    purpose: 'sample size',
    not_for: ['decisions about a patient'],
    study: { id: hash, name: 'ckd-2027', purpose: 'p', manifest_sha256: hash, roster_sha256: hash, estimand: 'e' },
    generator: { family: 'autoregressive', model_sha256: hash, initial_seed: 1 },
    request: { rows: 3, seed: 7, where: null, formats: ['csv'] },
    outcome: {
      handling: 'unconditional',
      support: 1,
      support_standard_error: 0,
      expected_patients: 3,
      effective_sample_size: 3,
      largest_weight: 1,
      columns: [],
      warnings: [],
    },
    contributors: { invited: 1, must_contribute: 1, rounds: 1, aborted: 0, sites: [{ site: 'north', rounds: 1 }] },
    privacy: {
      unit: 'patient',
      epsilon: { public: 1, peer: 1.3 },
      delta: 1e-6,
      cost_of_this_release: 0,
      statement: 'privacy.json',
    },
    data: {
      rows: 3,
      columns: ['age'],
      mark_column: markColumn,
      rows_sha256: sha256(Buffer.from(`${cells.join('\n')}\n`)),
      files: ['data/cohort.csv'],
    },
    software: { tributary: '0.1.0', node: '24' },
    reproduce: ['tributary request'],
  })
  const json = (value: object) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  const rows = cells.map((cell, at) => `${cell},${at === 0 ? markColumn : release}\n`)
  const files = new Map([
    ['data/cohort.csv', Buffer.from(rows.join(''))],
    ['data/cohort.csv-metadata.json', json({ 'dc:type': csvwSyntheticType, 'dc:identifier': release })],
    ['privacy.json', json({ synthetic: true, release })],
    ['release.json', json(manifest)],
    ['report.html', Buffer.from(`<!doctype html><title>SYNTHETIC ${release}</title><!--${'long '.repeat(1e5)}-->`)],
    ['report.json', json(report(release))],
  ])
  const sums = Buffer.from(checksumsText(new Map([...files].map(([name, bytes]) => [name, digest(sha256(bytes))]))))
  return new Map([...files, ['SHA256SUMS', sums], ['attestation.dsse.json', Buffer.from(attest(sums, signer))]])
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const writeFiles = (folder: string, files: ReadonlyMap<string, Uint8Array>): void => {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), bytes)
  }
}
