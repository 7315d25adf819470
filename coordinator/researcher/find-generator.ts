import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'
import { type Generator, generatorsSchema } from '../api/schemas.ts'
import type { ApiClient } from './api-client.ts'
import { theOne } from './the-one.ts'

/** A generator by its study's name or id, whole or shortened. Throws `NOT_FOUND`, `ID_MALFORMED`. */
export const findGenerator = async (api: ApiClient, text: string): Promise<Generator> => {
  const { generators } = await api.json('/generators', generatorsSchema)
  const found = theOne(generators, ({ generator, study }) => [generator, study], text)
  if (found) return found
  const names = generators.slice(0, 10).map(({ generator }) => printable(generator))
  const known = names.length === 0 ? 'no run has completed yet' : `there is ${names.join(', ')}`
  throw new CodedError('NOT_FOUND', `no generator ${printable(text)}: ${known}`)
}
