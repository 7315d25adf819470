// Original file: study.proto


export interface HelloRequest {
  'protocol'?: (number);
  /**
   * Every protocol version that the site speaks.
   */
  'protocols'?: (number)[];
  'software'?: (string);
}

export interface HelloRequest__Output {
  'protocol': (number);
  /**
   * Every protocol version that the site speaks.
   */
  'protocols': (number)[];
  'software': (string);
}
