// Original file: study.proto


export interface HelloReply {
  'protocol'?: (number);
  /**
   * The newest version that both speak.
   */
  'chosen'?: (number);
}

export interface HelloReply__Output {
  'protocol': (number);
  /**
   * The newest version that both speak.
   */
  'chosen': (number);
}
