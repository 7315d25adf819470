// Original file: study.proto


export interface HelloRequest {
  'protocol'?: (number);
  /**
   * Every protocol version that the site speaks.
   */
  'protocols'?: (number)[];
  'software'?: (string);
  /**
   * Drawn at random when an agent starts, 32 hex digits: two of one site at once are a cloned data directory. Empty: a command.
   */
  'session'?: (string);
}

export interface HelloRequest__Output {
  'protocol': (number);
  /**
   * Every protocol version that the site speaks.
   */
  'protocols': (number)[];
  'software': (string);
  /**
   * Drawn at random when an agent starts, 32 hex digits: two of one site at once are a cloned data directory. Empty: a command.
   */
  'session': (string);
}
