import { siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { totalSteps } from '@tributary/shared/dp/steps'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { Roster } from '@tributary/shared/wire/messages'
import { signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { roundsPath, studiesPath } from '../../coordinator/data-paths.ts'
import { adminKeyPath, initialAdminKey } from '../../coordinator/enrolment/admin-key.ts'
import { createFederation, openFederation } from '../../coordinator/enrolment/federation-directory.ts'
import { Training } from '../../coordinator/model/training.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { waitingRun } from '../../coordinator/rounds/run.ts'
import { publishRoster } from '../../coordinator/studies/published-roster.ts'
import { modelFolder } from '../../coordinator/studies/study-runs.ts'
import { type PublishedStudy, StudyStore } from '../../coordinator/studies/study-store.ts'

/** A data directory as a coordinator leaves it: a federation, and studies with or without a completed run. */
export const initialised = async (dataDir: string, clock: Clock) => {
  const { publicKey: admin } = initialAdminKey(adminKeyPath(dataDir))
  const settings = { federation: 'test', listen: '127.0.0.1:0', hosts: ['127.0.0.1', 'localhost'], admin }
  await createFederation(dataDir, settings, clock)
  return openFederation(dataDir, clock)
}

/** Version 1 of the roster, of these members, signed by the admin key of the data directory. */
export const publishFirstRoster = async (dataDir: string, members: Roster['members'], clock: Clock): Promise<void> => {
  const { identity } = await openFederation(dataDir, clock)
  const key = initialAdminKey(adminKeyPath(dataDir))
  const [admin, coordinator] = [key.publicKey, identity.publicKey]
  const roster: Roster = { federation: 'test', version: 1, admin, coordinator, members, committee: [] }
  const studies = StudyStore.open(studiesPath(dataDir))
  try {
    publishRoster(studies, roster, signRoster(roster, key))
  } finally {
    studies.close()
  }
}

/** Publishes a study under a roster of made-up sites. Nothing has run. */
export const publishStudy = async (dataDir: string, manifest: Manifest, clock: Clock): Promise<PublishedStudy> => {
  const studies = StudyStore.open(studiesPath(dataDir))
  try {
    if (studies.latestRoster() === undefined) {
      const members = manifest.sites.map(({ name }) => ({ site: siteId(name), identity: generateIdentity().publicKey }))
      await publishFirstRoster(dataDir, members, clock)
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
  const { sizes, cells } = Training.initial(manifest, 1).release().layout
  const values = Float64Array.from(
    sizes.flatMap((size) => Array.from({ length: size }, (_, code) => 1000 * (code + 1))),
  )
  if (values.length !== cells) throw new Error('counts for every cell')
  const training = await Training.initial(manifest, 1).after(
    0,
    { values, shares: manifest.sites.length, part: 1 },
    manifest,
  )
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
