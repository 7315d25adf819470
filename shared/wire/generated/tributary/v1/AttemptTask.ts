// Original file: round.proto


export interface AttemptTask {
  'study'?: (string);
  'step'?: (number);
  'attempt'?: (number);
}

export interface AttemptTask__Output {
  'study': (string);
  'step': (number);
  'attempt': (number);
}
