import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { digest } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { GeneratorDetail } from '../../coordinator/api/schemas.ts'
import { additionsOf, type CohortOrder } from '../../coordinator/cohort/order.ts'
import { releaseFolder } from '../../coordinator/data-paths.ts'
import { checksumsText } from '../../coordinator/release/checksums.ts'
import type { CohortWork } from '../../coordinator/requests/cohort-work.ts'
import type { RequestFacts } from '../../coordinator/requests/request-state.ts'

export const toyCard = (study: string, generator: string): GeneratorDetail => ({
  generator,
  study,
  purpose: 'Tests of the API.',
  sites: ['ash', 'birch'],
  promised_patients: 1000,
  epsilon: { public: 3, peer: 3.5 },
  delta: 1e-5,
  unit: 'row',
  completed: '2027-01-15T08:00:00.000Z',
  estimand: 'Rows.',
  columns: [{ name: 'a', position: 0, handling: 'exact', missing: false, kind: 'categorical', levels: ['0', '1'] }],
  odds: { public: '50 % before', peer: '50 % before' },
  model_sha256: 'ab'.repeat(32),
})

const filesOf = (facts: RequestFacts): [string, string][] => [
  [
    'data/cohort.csv',
    Array.from({ length: facts.rows }, (_, row) => `${facts.release},${facts.seed + row}\n`).join(''),
  ],
  ['release.json', JSON.stringify({ created: new Date(facts.created).toISOString() })],
  ['report.json', '{"synthetic":true}'],
  ['report.html', '<!doctype html><title>SYNTHETIC</title>'],
]

/** The folder that a request's facts decide, and nothing else. */
export const writeToyRelease = async (
  dataDir: string,
  facts: RequestFacts,
  step: () => Promise<void>,
): Promise<void> => {
  const folder = releaseFolder(dataDir, facts.release)
  const part = `${folder}.part`
  await rm(part, { recursive: true, force: true })
  await mkdir(join(part, 'data'), { recursive: true })
  const sums = new Map<string, ReturnType<typeof digest>>()
  for (const [name, contents] of filesOf(facts)) {
    await writeFile(join(part, name), contents)
    sums.set(name, hashBytes(Buffer.from(contents)))
    await step()
  }
  await writeFile(join(part, 'SHA256SUMS'), checksumsText(sums))
  await writeFile(join(part, 'attestation.dsse.json'), '{}')
  await rename(part, folder)
}

const refuse = ({ where }: CohortOrder): void => {
  if (where === 'nonsense')
    throw new CodedError('CONDITION_INVALID', 'expected a column at 1', { place: { field: 'where' } })
}

/** Cohort work without a model, in the thread of the test. `step` is called after each file of a release. */
export const toyCohortWork = (dataDir: string, step: () => Promise<void> = async () => {}): CohortWork => ({
  describe: async (study) => toyCard(study, 'toy'),
  probe: async (_study, order) => {
    refuse(order)
    const rows = Array.from({ length: order.rows }, (_, row) => [String(row % 2)])
    return { columns: ['a'], rows, seed: order.seed, notice: 'SYNTHETIC' }
  },
  plan: async (_study, order) => {
    refuse(order)
    return {
      rows: order.rows,
      seed: order.seed,
      where: order.where?.trim() ?? null,
      ...additionsOf(order),
      handling: 'unconditional',
      columns: [],
      support: 1,
      support_standard_error: 0,
      support_noise_error: 0,
      expected_patients: 1000,
      effective_sample_size: order.rows,
      largest_weight: 1,
      draws: order.rows,
      cohort_floor: 0,
      warnings: [],
      privacy_cost: 0,
    }
  },
  release: async (facts, onProgress) => {
    let files = 0
    await writeToyRelease(dataDir, facts, async () => {
      files++
      onProgress(Math.floor((facts.rows * files) / 4))
      await step()
    })
  },
})
