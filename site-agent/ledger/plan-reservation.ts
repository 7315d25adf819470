import { pricePlan } from '@tributary/shared/dp/plan'
import type { StudyId } from '@tributary/shared/ids'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { delta, epsilon } from '@tributary/shared/units'
import type { Reservation } from './entry.ts'

/** What a study's frozen plan costs this institution's patients: another hospital's view, at a patient's most rows (R8, R17). */
export const planReservation = (study: StudyId, manifest: Manifest): Reservation => {
  const { ledger, distance } = pricePlan(manifest)
  return {
    study,
    name: manifest.name,
    unit: manifest.privacy.unit,
    epsilon: epsilon(ledger.epsilon),
    delta: delta(ledger.delta),
    distance,
    phases: [...ledger.phases],
  }
}
