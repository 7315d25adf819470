// Original file: round.proto

import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';

export interface DealtBox {
  'protocol'?: (number);
  'deal'?: (_tributary_v1_Signed | null);
  /**
   * Empty for a site that holds no shares.
   */
  'box'?: (Buffer | Uint8Array | string);
}

export interface DealtBox__Output {
  'protocol': (number);
  'deal': (_tributary_v1_Signed__Output | null);
  /**
   * Empty for a site that holds no shares.
   */
  'box': (Buffer);
}
