// Original file: signed.proto


/**
 * What somebody put an Ed25519 key to: canonical bytes of one kind (see shared/wire/messages.ts).
 */
export interface Signed {
  'protocol'?: (number);
  'kind'?: (string);
  'signer'?: (string);
  'body'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

/**
 * What somebody put an Ed25519 key to: canonical bytes of one kind (see shared/wire/messages.ts).
 */
export interface Signed__Output {
  'protocol': (number);
  'kind': (string);
  'signer': (string);
  'body': (Buffer);
  'signature': (Buffer);
}
