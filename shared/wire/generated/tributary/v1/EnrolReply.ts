// Original file: enrolment.proto


export interface EnrolReply {
  'protocol'?: (number);
  /**
   * PEM.
   */
  'certificate'?: (string);
  /**
   * PEM, the federation's certificate authority.
   */
  'chain'?: (string);
  'federation'?: (string);
  /**
   * The coordinator's raw Ed25519 public key, 32 bytes.
   */
  'coordinatorIdentity'?: (Buffer | Uint8Array | string);
}

export interface EnrolReply__Output {
  'protocol': (number);
  /**
   * PEM.
   */
  'certificate': (string);
  /**
   * PEM, the federation's certificate authority.
   */
  'chain': (string);
  'federation': (string);
  /**
   * The coordinator's raw Ed25519 public key, 32 bytes.
   */
  'coordinatorIdentity': (Buffer);
}
