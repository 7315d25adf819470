// Original file: study.proto

import type { Long } from '@grpc/proto-loader';

export interface HelloReply {
  'protocol'?: (number);
  /**
   * The newest version that both speak.
   */
  'chosen'?: (number);
  /**
   * The coordinator's clock, ms since 1970: deadlines are its own; a site only compares.
   */
  'nowMs'?: (number | string | Long);
}

export interface HelloReply__Output {
  'protocol': (number);
  /**
   * The newest version that both speak.
   */
  'chosen': (number);
  /**
   * The coordinator's clock, ms since 1970: deadlines are its own; a site only compares.
   */
  'nowMs': (number);
}
