// Original file: round.proto


// Original file: round.proto

export const _tributary_v1_FinishedTask_Outcome = {
  OUTCOME_UNSPECIFIED: 'OUTCOME_UNSPECIFIED',
  COMPLETED: 'COMPLETED',
  STOPPED: 'STOPPED',
} as const;

export type _tributary_v1_FinishedTask_Outcome =
  | 'OUTCOME_UNSPECIFIED'
  | 0
  | 'COMPLETED'
  | 1
  | 'STOPPED'
  | 2

export type _tributary_v1_FinishedTask_Outcome__Output = typeof _tributary_v1_FinishedTask_Outcome[keyof typeof _tributary_v1_FinishedTask_Outcome]

export interface FinishedTask {
  'study'?: (string);
  'outcome'?: (_tributary_v1_FinishedTask_Outcome);
  'reason'?: (string);
}

export interface FinishedTask__Output {
  'study': (string);
  'outcome': (_tributary_v1_FinishedTask_Outcome__Output);
  'reason': (string);
}
