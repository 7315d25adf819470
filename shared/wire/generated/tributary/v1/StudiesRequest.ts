// Original file: study.proto


export interface StudiesRequest {
  'protocol'?: (number);
}

export interface StudiesRequest__Output {
  'protocol': (number);
}
