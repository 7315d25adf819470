import { CodedError, type ErrorCode, type Place } from '../errors.ts'

/** A CodedError whose hint fits the case at hand better than that of the code's row. */
export class HintedError extends CodedError {
  readonly #hint: string

  constructor(code: ErrorCode, message: string, hint: string, options: { place?: Place; cause?: unknown } = {}) {
    super(code, message, options)
    this.#hint = hint
  }

  override get help(): string {
    return this.#hint
  }
}
