import { siteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

it('R7 a check of a site that holds no shares in the attempt is refused and not kept', async () => {
  const spares = { marginals: 1, gradient: 2 }
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
  const { coordinator } = federation
  await federation.reach('contributing')
  const all = coordinator.studies.boxKeys.bind(coordinator.studies)
  // From the next step on cedar has no keys, as if that began an epoch while it was away.
  coordinator.studies.boxKeys = (study, epoch) => all(study, epoch).filter(({ site }) => site !== 'cedar')
  const honest = coordinator.handlers
  let sent: SignedMessage | undefined
  coordinator.handlers = {
    ...honest,
    check: (peer, message) => {
      sent = message
      return honest.check(peer, message)
    },
  }
  await federation.reach('checking', 1)
  const [ash, cedar] = [siteId('ash'), siteId('cedar')]
  expect(federation.round.holders).not.toContain(cedar)
  sent = undefined
  await federation.turns(['ash'])
  const body = openBody('check', sent!, memberOf(federation.roster, ash))
  const forged = signBody('check', cedar, body, federation.identityOf(cedar))
  await expect(coordinator.handlers.check({ site: cedar, serial: '01' }, forged)).rejects.toMatchObject({
    code: 'ROUND_REFUSED',
    message: 'cedar holds no shares in this attempt',
  })
  expect(coordinator.rounds.message(federation.round.round, 'check', cedar)).toBeUndefined()
  await federation.complete()
  expect(coordinator.opened.map(({ counts }) => counts)).toEqual([
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ])
})
