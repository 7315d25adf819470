import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import type { Task } from '@tributary/shared/wire/federation-api'
import { coordinatorName, coordinatorOf } from '@tributary/shared/wire/roster'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import type { InProcessFederation } from './in-process-federation.ts'

type Order = 'broadcast' | 'announcement'
type Change<Kind extends Order> = (body: Body<Kind>) => Partial<Body<Kind>>

const orderOf = async (federation: InProcessFederation, site: string): Promise<SignedMessage> => {
  const task: Task = await federation.site(site).next()
  if (task.kind === 'contribute') return task.broadcast
  if (task.kind === 'answer') return task.announcement
  throw new Error(`${site} is asked to ${task.kind}`)
}

/** What a dishonest coordinator would send in place of the order that `site` is due: its own order, changed and signed anew. */
export const forged = async <Kind extends Order>(
  federation: InProcessFederation,
  site: string,
  kind: Kind,
  change: Change<Kind>,
  identity: IdentityKey = federation.coordinatorIdentity,
): Promise<SignedMessage> => {
  const body = openBody(kind, await orderOf(federation, site), coordinatorOf(federation.roster))
  return signBody(kind, coordinatorName, { ...body, ...change(body) }, identity)
}
