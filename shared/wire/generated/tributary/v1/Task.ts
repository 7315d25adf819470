// Original file: round.proto

import type { WaitTask as _tributary_v1_WaitTask, WaitTask__Output as _tributary_v1_WaitTask__Output } from '../../tributary/v1/WaitTask.ts';
import type { DealTask as _tributary_v1_DealTask, DealTask__Output as _tributary_v1_DealTask__Output } from '../../tributary/v1/DealTask.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';
import type { FinishedTask as _tributary_v1_FinishedTask, FinishedTask__Output as _tributary_v1_FinishedTask__Output } from '../../tributary/v1/FinishedTask.ts';
import type { AttemptTask as _tributary_v1_AttemptTask, AttemptTask__Output as _tributary_v1_AttemptTask__Output } from '../../tributary/v1/AttemptTask.ts';

export interface Task {
  'protocol'?: (number);
  'wait'?: (_tributary_v1_WaitTask | null);
  'deal'?: (_tributary_v1_DealTask | null);
  'contribute'?: (_tributary_v1_Signed | null);
  'answer'?: (_tributary_v1_Signed | null);
  'finished'?: (_tributary_v1_FinishedTask | null);
  'check'?: (_tributary_v1_AttemptTask | null);
  'openDeal'?: (_tributary_v1_AttemptTask | null);
  /**
   * The dealer's own opening of the deal.
   */
  'openBox'?: (_tributary_v1_Signed | null);
  'task'?: "wait"|"deal"|"contribute"|"answer"|"finished"|"check"|"openDeal"|"openBox";
}

export interface Task__Output {
  'protocol': (number);
  'wait'?: (_tributary_v1_WaitTask__Output | null);
  'deal'?: (_tributary_v1_DealTask__Output | null);
  'contribute'?: (_tributary_v1_Signed__Output | null);
  'answer'?: (_tributary_v1_Signed__Output | null);
  'finished'?: (_tributary_v1_FinishedTask__Output | null);
  'check'?: (_tributary_v1_AttemptTask__Output | null);
  'openDeal'?: (_tributary_v1_AttemptTask__Output | null);
  /**
   * The dealer's own opening of the deal.
   */
  'openBox'?: (_tributary_v1_Signed__Output | null);
  'task'?: "wait"|"deal"|"contribute"|"answer"|"finished"|"check"|"openDeal"|"openBox";
}
