// Original file: round.proto

import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';
import type { Long } from '@grpc/proto-loader';

export interface ContributionHeader {
  'contribution'?: (_tributary_v1_Signed | null);
  /**
   * Bytes that follow.
   */
  'size'?: (number | string | Long);
}

export interface ContributionHeader__Output {
  'contribution': (_tributary_v1_Signed__Output | null);
  /**
   * Bytes that follow.
   */
  'size': (number);
}
