// Original file: enrolment.proto


export interface EnrolRequest {
  'protocol'?: (number);
  'token'?: (string);
  'site'?: (string);
  /**
   * PKCS#10, DER; its key was made at the hospital and stays there.
   */
  'csr'?: (Buffer | Uint8Array | string);
  /**
   * The site's raw Ed25519 public key, 32 bytes.
   */
  'identity'?: (Buffer | Uint8Array | string);
  /**
   * Ed25519 by that key over the site name and the CSR, 64 bytes.
   */
  'identityProof'?: (Buffer | Uint8Array | string);
}

export interface EnrolRequest__Output {
  'protocol': (number);
  'token': (string);
  'site': (string);
  /**
   * PKCS#10, DER; its key was made at the hospital and stays there.
   */
  'csr': (Buffer);
  /**
   * The site's raw Ed25519 public key, 32 bytes.
   */
  'identity': (Buffer);
  /**
   * Ed25519 by that key over the site name and the CSR, 64 bytes.
   */
  'identityProof': (Buffer);
}
