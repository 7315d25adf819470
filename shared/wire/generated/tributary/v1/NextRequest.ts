// Original file: round.proto


export interface NextRequest {
  'protocol'?: (number);
  'study'?: (string);
  'waitMs'?: (number);
  /**
   * What the site has already finished, for example "deal:<round>".
   */
  'done'?: (string)[];
}

export interface NextRequest__Output {
  'protocol': (number);
  'study': (string);
  'waitMs': (number);
  /**
   * What the site has already finished, for example "deal:<round>".
   */
  'done': (string)[];
}
