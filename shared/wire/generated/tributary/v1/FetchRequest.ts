// Original file: round.proto

import type { Long } from '@grpc/proto-loader';

export interface FetchRequest {
  'protocol'?: (number);
  'round'?: (string);
  /**
   * Bytes already held; FetchModel goes on from there.
   */
  'offset'?: (number | string | Long);
}

export interface FetchRequest__Output {
  'protocol': (number);
  'round': (string);
  /**
   * Bytes already held; FetchModel goes on from there.
   */
  'offset': (number);
}
