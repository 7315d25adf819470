import { readFileSync } from 'node:fs'
import { CodedError } from '@tributary/shared/errors'

/** A study file's text. Throws `NOT_FOUND`, and `MANIFEST_INVALID` for bytes that are not UTF-8: a letter replaced in silence would be signed. */
export const readStudy = (file: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (cause) {
    const why = cause instanceof TypeError ? 'not UTF-8' : 'cannot be read'
    throw new CodedError(cause instanceof TypeError ? 'MANIFEST_INVALID' : 'NOT_FOUND', `${file} ${why}`, {
      place: { file },
      cause,
    })
  }
}
