import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest } from '@tributary/shared/ids'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import { encodeModel, type ReleasedModel } from '@tributary/shared/synthesizers/autoregressive/training-state'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { Training } from '../model/training.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import { modelFolder } from '../studies/study-runs.ts'
import type { PublishedStudy } from '../studies/study-store.ts'

/** The released weights of a completed run and the SHA-256 of their bytes. Throws `NOT_FOUND` before it completed. */
export const releasedModel = async (
  dataDir: string,
  published: PublishedStudy,
  rounds: RoundStore,
): Promise<{ model: ReleasedModel; sha256: Digest }> => {
  const run = rounds.run(published.study)
  if (run?.state.outcome !== 'completed')
    throw new CodedError('NOT_FOUND', `the run is ${run?.state.outcome ?? 'waiting'}: there is no released model yet`)
  const models = await BlobFolder.open(modelFolder(dataDir, published.study))
  const model = Training.decode(await models.get(run.model)).release()
  return { model, sha256: digest(hashBytes(encodeModel(model))) }
}
