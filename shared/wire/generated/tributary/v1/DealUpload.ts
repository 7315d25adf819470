// Original file: round.proto

import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';

export interface DealUpload {
  'protocol'?: (number);
  'deal'?: (_tributary_v1_Signed | null);
  /**
   * In the order of the deal's own list.
   */
  'boxes'?: (Buffer | Uint8Array | string)[];
}

export interface DealUpload__Output {
  'protocol': (number);
  'deal': (_tributary_v1_Signed__Output | null);
  /**
   * In the order of the deal's own list.
   */
  'boxes': (Buffer)[];
}
