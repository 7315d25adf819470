// Original file: round.proto

import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';

export interface ContributionOffer {
  'protocol'?: (number);
  'contribution'?: (_tributary_v1_Signed | null);
  /**
   * SHA-256 of every part, in order; their digest is in the signed contribution.
   */
  'partHashes'?: (Buffer | Uint8Array | string)[];
}

export interface ContributionOffer__Output {
  'protocol': (number);
  'contribution': (_tributary_v1_Signed__Output | null);
  /**
   * SHA-256 of every part, in order; their digest is in the signed contribution.
   */
  'partHashes': (Buffer)[];
}
