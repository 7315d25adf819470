import type { Digest } from '@tributary/shared/ids'
import type { Generator } from '@tributary/shared/generator/generator'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import type { CohortOrder } from '../cohort/order.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { runReport } from '../studies/run-report.ts'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { DataFormat } from './release-schema.ts'

export type RunReport = ReturnType<typeof runReport>

/** All that a release is made of. */
export interface ReleaseParts {
  /** Goes into every row: 1 to 64 letters, digits, `-` and `_`. Data files are equal bit for bit only under equal ids. */
  readonly releaseId: string
  readonly created: Date
  readonly published: PublishedStudy
  readonly run: RunReport
  readonly model: Generator
  readonly modelSha256: Digest
  /** Of the model on held-out patients; none where the study asked for none. */
  readonly evaluation?: Evaluation | null
  readonly order: CohortOrder
  /** At least one. */
  readonly formats: readonly DataFormat[]
  readonly purpose: string
  /** The coordinator's identity: the key that a researcher compares by its fingerprint. */
  readonly signer: IdentityKey
  readonly federation: string
  onProgress?(rowsDone: number): void
}
