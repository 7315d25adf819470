import { CodedError } from '@tributary/shared/errors'
import { storeError } from '@tributary/shared/store/store-error'

/** What the file system threw under a path that a person typed: a wrong path is no defect of ours. */
export const fileError = (path: string, thrown: unknown): CodedError => {
  const error = storeError(path, thrown)
  const isSystem = thrown instanceof Error && 'syscall' in thrown
  if (error.code !== 'INTERNAL' || !isSystem) return error
  return new CodedError('CONFIG_INVALID', 'cannot be written', { place: { file: path }, cause: thrown })
}
