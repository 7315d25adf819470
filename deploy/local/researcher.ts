import type { Federation } from './federation.ts'
import { binaries, type Json, numberField, textField } from './program.ts'

export interface CohortOrder {
  readonly rows: number
  readonly where: string
  readonly seed: number
  readonly purpose: string
}

/** What a researcher was told on the way, from the very commands that they would type. */
export interface ReleasedCohort {
  /** Folder of the release. */
  readonly folder: string
  readonly support: number
  readonly expectedPatients: number
  readonly effectiveSampleSize: number
  readonly handling: string
  /** How many files `tributary verify` found unchanged. */
  readonly files: number
  readonly signer: string
}

/**
 * A researcher at the federation's HTTP port, by the shipped `tributary` alone: login, plan, request, download, verify. Throws the
 * code of the first command that fails; `folder` then does not exist.
 */
export const releaseCohort = async (
  federation: Federation,
  order: CohortOrder,
  folder: string,
  onStep: (what: string) => void,
): Promise<ReleasedCohort> => {
  const ask = (...args: string[]): Promise<Json> => federation.host.call('researcher', binaries.tributary, args)
  const { manifest } = federation
  await ask('login', '--server', federation.http, '--token-file', await federation.addUser('researcher'))
  const asked = ['-n', String(order.rows), '--seed', String(order.seed), '--where', order.where]
  onStep(`planning a cohort: ${order.where}`)
  const plan = await ask('plan', manifest.name, ...asked)
  onStep(`making ${order.rows.toLocaleString('en')} rows, their report and their signature`)
  const request = await ask('request', manifest.name, ...asked, '--purpose', order.purpose, '--wait')
  onStep('downloading and verifying the release')
  await ask('download', textField(request, 'request'), '--out', folder)
  const verification = await ask('verify', folder)
  const files = verification['files']
  return {
    folder,
    support: numberField(plan, 'support'),
    expectedPatients: numberField(plan, 'expected_patients'),
    effectiveSampleSize: numberField(plan, 'effective_sample_size'),
    handling: textField(plan, 'handling'),
    files: Array.isArray(files) ? files.length : 0,
    signer: textField(verification, 'signer'),
  }
}
