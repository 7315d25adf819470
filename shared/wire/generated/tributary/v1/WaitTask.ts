// Original file: proto/round.proto


export interface WaitTask {
}

export interface WaitTask__Output {
}
