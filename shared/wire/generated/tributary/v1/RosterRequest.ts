// Original file: study.proto


export interface RosterRequest {
  'protocol'?: (number);
}

export interface RosterRequest__Output {
  'protocol': (number);
}
