// Original file: round.proto

import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';

export interface DealTask {
  'study'?: (string);
  'step'?: (number);
  'attempt'?: (number);
  'boxKeys'?: (_tributary_v1_Signed)[];
}

export interface DealTask__Output {
  'study': (string);
  'step': (number);
  'attempt': (number);
  'boxKeys': (_tributary_v1_Signed__Output)[];
}
