// Original file: round.proto


export interface NextRequest {
  'protocol'?: (number);
  'study'?: (string);
  'waitMs'?: (number);
}

export interface NextRequest__Output {
  'protocol': (number);
  'study': (string);
  'waitMs': (number);
}
