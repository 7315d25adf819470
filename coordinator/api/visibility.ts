import { CodedError } from '@tributary/shared/errors'
import type { StoredRequest } from '../requests/request-store.ts'
import type { User } from '../users/user-store.ts'

/** Somebody else's request does not exist, but for operators. Throws `NOT_FOUND` in the same words as for one that never was. */
export const ownRequest = (user: User, stored: StoredRequest): StoredRequest => {
  if (user.role === 'operator' || stored.facts.user === user.name) return stored
  throw new CodedError('NOT_FOUND', 'no such request or release')
}
