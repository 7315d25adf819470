// Original file: study.proto

import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';

export interface RosterReply {
  'protocol'?: (number);
  /**
   * Canonical bytes, as they are hashed.
   */
  'roster'?: (Buffer | Uint8Array | string);
  'countersignatures'?: (_tributary_v1_Signed)[];
  /**
   * By the consortium's admin key.
   */
  'signature'?: (_tributary_v1_Signed | null);
}

export interface RosterReply__Output {
  'protocol': (number);
  /**
   * Canonical bytes, as they are hashed.
   */
  'roster': (Buffer);
  'countersignatures': (_tributary_v1_Signed__Output)[];
  /**
   * By the consortium's admin key.
   */
  'signature': (_tributary_v1_Signed__Output | null);
}
