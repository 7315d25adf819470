// Original file: round.proto

import type { Long } from '@grpc/proto-loader';

/**
 * At most 256 KiB of data.
 */
export interface Chunk {
  'protocol'?: (number);
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
}

/**
 * At most 256 KiB of data.
 */
export interface Chunk__Output {
  'protocol': (number);
  'offset': (number);
  'data': (Buffer);
}
