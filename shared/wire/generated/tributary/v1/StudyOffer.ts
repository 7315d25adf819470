// Original file: study.proto


export interface StudyOffer {
  'protocol'?: (number);
  'study'?: (string);
  /**
   * The manifest's bytes, as they are hashed.
   */
  'manifest'?: (Buffer | Uint8Array | string);
  'roster'?: (string);
  'state'?: (string);
}

export interface StudyOffer__Output {
  'protocol': (number);
  'study': (string);
  /**
   * The manifest's bytes, as they are hashed.
   */
  'manifest': (Buffer);
  'roster': (string);
  'state': (string);
}
