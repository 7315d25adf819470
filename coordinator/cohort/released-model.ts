import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest } from '@tributary/shared/ids'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import type { Generator } from '@tributary/shared/generator/generator'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Evaluation } from '../evaluation/evaluation.ts'
import { Training } from '../model/training.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import { modelFolder } from '../studies/study-runs.ts'
import type { PublishedStudy } from '../studies/study-store.ts'

/** The generator of a completed run, the SHA-256 of their bytes, and their evaluation where the study asked for one. Throws `NOT_FOUND` before it completed. */
export const releasedModel = async (
  dataDir: string,
  published: PublishedStudy,
  rounds: RoundStore,
): Promise<{ model: Generator; sha256: Digest; evaluation: Evaluation | null }> => {
  const run = rounds.run(published.study)
  if (run?.state.outcome !== 'completed')
    throw new CodedError('NOT_FOUND', `the run is ${run?.state.outcome ?? 'waiting'}: there is no released model yet`)
  const models = await BlobFolder.open(modelFolder(dataDir, published.study))
  const training = Training.decode(published.manifest, await models.get(run.model))
  const model = training.release()
  return { model, sha256: digest(hashBytes(model.encode())), evaluation: training.evaluation }
}
