import type { StudyId } from '@tributary/shared/ids'
import type { GeneratorDetail, Probe } from '../api/schemas.ts'
import type { CohortOrder } from '../cohort/order.ts'
import type { CohortPlan } from '../cohort/plan.ts'
import type { RequestFacts } from './request-state.ts'

/**
 * What takes seconds of computing and so must not run where rounds are driven. Every study named must have a completed run, else
 * `NOT_FOUND`; conditions are refused with `CONDITION_INVALID` and `SUPPORT_TOO_SMALL`.
 */
export interface CohortWork {
  describe(study: StudyId): Promise<GeneratorDetail>
  probe(study: StudyId, order: CohortOrder): Promise<Probe>
  plan(study: StudyId, order: CohortOrder): Promise<CohortPlan>
  /**
   * Makes the release of a request into its folder, whole or not at all; the same request gives the same bytes. Work in a thread
   * ends with it when `signal` aborts, and may then leave the folder's `.part` behind.
   */
  release(facts: RequestFacts, onProgress: (rowsDone: number) => void, signal?: AbortSignal): Promise<void>
}

/** One piece of work as it is sent to a worker thread. */
export type CohortTask =
  | { readonly kind: 'describe'; readonly study: StudyId }
  | { readonly kind: 'probe' | 'plan'; readonly study: StudyId; readonly order: CohortOrder }
  | { readonly kind: 'release'; readonly facts: RequestFacts }

export const carryOut = (
  work: CohortWork,
  task: CohortTask,
  onProgress: (rowsDone: number) => void,
): Promise<unknown> => {
  switch (task.kind) {
    case 'describe':
      return work.describe(task.study)
    case 'probe':
      return work.probe(task.study, task.order)
    case 'plan':
      return work.plan(task.study, task.order)
    case 'release':
      return work.release(task.facts, onProgress)
  }
}
