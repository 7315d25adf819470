// Original file: round.proto


export interface ContributionPart {
  'protocol'?: (number);
  'round'?: (string);
  'part'?: (number);
  /**
   * One residue frame of at most eight blocks.
   */
  'data'?: (Buffer | Uint8Array | string);
}

export interface ContributionPart__Output {
  'protocol': (number);
  'round': (string);
  'part': (number);
  /**
   * One residue frame of at most eight blocks.
   */
  'data': (Buffer);
}
