// Original file: enrolment.proto


export interface RenewReply {
  'protocol'?: (number);
  /**
   * PEM. The present certificate works until the site is first heard with this one.
   */
  'certificate'?: (string);
}

export interface RenewReply__Output {
  'protocol': (number);
  /**
   * PEM. The present certificate works until the site is first heard with this one.
   */
  'certificate': (string);
}
