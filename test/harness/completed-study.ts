import { siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { totalSteps } from '@tributary/shared/dp/steps'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { roundsPath, studiesPath } from '../../coordinator/data-paths.ts'
import { createFederation, openFederation } from '../../coordinator/enrolment/federation-directory.ts'
import { Training } from '../../coordinator/model/training.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { waitingRun } from '../../coordinator/rounds/run.ts'
import { modelFolder } from '../../coordinator/studies/study-runs.ts'
import { type PublishedStudy, StudyStore } from '../../coordinator/studies/study-store.ts'

/** A data directory as a coordinator leaves it: a federation, and studies with or without a completed run. */
export const initialised = async (dataDir: string, clock: Clock) => {
  const settings = { federation: 'test', listen: '127.0.0.1:0', hosts: ['127.0.0.1', 'localhost'] }
  await createFederation(dataDir, settings, clock)
  return openFederation(dataDir, clock)
}

/** Publishes a study under a roster of made-up sites. Nothing has run. */
export const publishStudy = async (dataDir: string, manifest: Manifest, clock: Clock): Promise<PublishedStudy> => {
  const { identity } = await openFederation(dataDir, clock)
  const studies = StudyStore.open(studiesPath(dataDir))
  try {
    if (studies.latestRoster() === undefined) {
      const members = manifest.sites.map(({ name }) => ({ site: siteId(name), identity: generateIdentity().publicKey }))
      studies.addRoster({ federation: 'test', version: 1, coordinator: identity.publicKey, members })
    }
    return studies.publish(manifest, 1)
  } finally {
    studies.close()
  }
}

/** The study's run as if its hospitals' noisy counts had been 1, 2, 3 ... thousand in each column, and no gradient had followed. */
export const completeRun = async (dataDir: string, published: PublishedStudy): Promise<void> => {
  const { study, manifest } = published
  const queries = queriesOf(manifest.plan)
  const { sizes, cells } = Training.initial(manifest, 1).release().network.layout
  const values = Float64Array.from(
    sizes.flatMap((size) => Array.from({ length: size }, (_, code) => 1000 * (code + 1))),
  )
  if (values.length !== cells) throw new Error('counts for every cell')
  const training = Training.initial(manifest, 1).after(0, { values }, manifest)
  const models = await BlobFolder.open(modelFolder(dataDir, study))
  const model = await models.put(training.encode())
  const rounds = RoundStore.open(roundsPath(dataDir))
  try {
    const state = { ...waitingRun(study, queries), outcome: 'completed' as const, step: totalSteps(queries) }
    rounds.saveRun(state, model, { started: 1_000, marginals: 2_000, finished: 3_000 })
  } finally {
    rounds.close()
  }
}
