// Original file: round.proto


export interface ContributionState {
  'protocol'?: (number);
  /**
   * Every part is stored and the contribution counts.
   */
  'complete'?: (boolean);
  'missing'?: (number)[];
}

export interface ContributionState__Output {
  'protocol': (number);
  /**
   * Every part is stored and the contribution counts.
   */
  'complete': (boolean);
  'missing': (number)[];
}
