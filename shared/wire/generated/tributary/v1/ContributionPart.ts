// Original file: round.proto

import type { ContributionHeader as _tributary_v1_ContributionHeader, ContributionHeader__Output as _tributary_v1_ContributionHeader__Output } from '../../tributary/v1/ContributionHeader.ts';
import type { Chunk as _tributary_v1_Chunk, Chunk__Output as _tributary_v1_Chunk__Output } from '../../tributary/v1/Chunk.ts';

export interface ContributionPart {
  'protocol'?: (number);
  'header'?: (_tributary_v1_ContributionHeader | null);
  'chunk'?: (_tributary_v1_Chunk | null);
  'part'?: "header"|"chunk";
}

export interface ContributionPart__Output {
  'protocol': (number);
  'header'?: (_tributary_v1_ContributionHeader__Output | null);
  'chunk'?: (_tributary_v1_Chunk__Output | null);
  'part'?: "header"|"chunk";
}
