// Original file: round.proto


export interface WaitTask {
}

export interface WaitTask__Output {
}
