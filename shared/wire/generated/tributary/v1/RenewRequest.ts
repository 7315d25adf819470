// Original file: enrolment.proto


export interface RenewRequest {
  'protocol'?: (number);
  /**
   * PKCS#10, DER; its key was made at the hospital for this renewal and stays there.
   */
  'csr'?: (Buffer | Uint8Array | string);
  /**
   * Ed25519 by the site's identity key over the CSR and the serial number of the present certificate, 64 bytes.
   */
  'identityProof'?: (Buffer | Uint8Array | string);
}

export interface RenewRequest__Output {
  'protocol': (number);
  /**
   * PKCS#10, DER; its key was made at the hospital for this renewal and stays there.
   */
  'csr': (Buffer);
  /**
   * Ed25519 by the site's identity key over the CSR and the serial number of the present certificate, 64 bytes.
   */
  'identityProof': (Buffer);
}
