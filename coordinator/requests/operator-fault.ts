import { asCodedError, CodedError, type ErrorCode } from '@tributary/shared/errors'
import type { WaitReason } from './request-state.ts'

/** What is wrong on the coordinator's machine: no researcher can mend it, or should read which file it is about. */
export interface OperatorFault {
  /** For researchers. */
  readonly shown: CodedError
  /** For the log. */
  readonly cause: CodedError
  /** What a request in the making waits for; absent where time mends nothing. */
  readonly waitsFor?: WaitReason
}

/** Codes that a repair ends; `DISK_FULL` aside. */
const passing: readonly ErrorCode[] = ['UNAVAILABLE', 'CONFIG_INVALID', 'STORE_LOCKED', 'PROTOCOL_UNSUPPORTED']

/** Undefined for everything that concerns whoever asked. */
export const operatorFault = (thrown: unknown): OperatorFault | undefined => {
  const error = asCodedError(thrown)
  const cause = error.code === 'UNAVAILABLE' && error.cause instanceof CodedError ? error.cause : error
  const unavailable = new CodedError('UNAVAILABLE', 'the coordinator cannot do this at the moment', { cause })
  if (cause.code === 'DISK_FULL') return { shown: unavailable, cause, waitsFor: 'disk_space' }
  if (passing.includes(error.code)) return { shown: unavailable, cause, waitsFor: 'coordinator' }
  if (error.code !== 'STATE_CORRUPT') return undefined
  return { shown: new CodedError('STATE_CORRUPT', 'a file of the coordinator is missing or damaged', { cause }), cause }
}

/** As researchers see it. */
export const shownError = (thrown: unknown): CodedError => operatorFault(thrown)?.shown ?? asCodedError(thrown)

/** What a researcher can do; the hints of these codes are for operators. */
const hints: Partial<Record<ErrorCode, string>> = {
  UNAVAILABLE: 'Try again in some minutes; if it persists, tell the operator, whose log says more.',
  STATE_CORRUPT: 'Tell the operator, whose log says more.',
  INTERNAL: 'Tell the operator, whose log says more.',
}

/** The hint to show with an error that a researcher may see. */
export const hintOf = ({ code, help }: CodedError): string => hints[code] ?? help
