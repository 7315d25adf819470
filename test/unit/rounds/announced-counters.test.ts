import { siteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { memberOf } from '@tributary/shared/wire/roster'
import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const date = siteId('date')
/** Whatever date contributes it signs this counter into, for as long as the coordinator lives. */
const counting = (first: number) => {
  let counter = first
  const { coordinator } = federation
  const honest = coordinator.handlers
  coordinator.handlers = {
    ...honest,
    offer: (peer, message, hashes) => {
      if (peer.site !== date) return honest.offer(peer, message, hashes)
      const body = openBody('contribution', message, memberOf(federation.roster, date))
      return honest.offer(
        peer,
        signBody('contribution', date, { ...body, counter }, federation.identityOf(date)),
        hashes,
      )
    },
  }
  return { be: (next: number) => void (counter = next) }
}
const open = async () => {
  const spares = { marginals: 1, gradient: 2 }
  federation = await InProcessFederation.open({ sites: 6, least: 5, steps: 2, spares })
}
const counts = () => federation.coordinator.opened.map(({ counts: each }) => each.slice(0, 6))
const all = [1, 1, 1, 1, 1, 1]
const withoutDate = [1, 1, 1, 0, 1, 1]

it('R4 a contributor whose counter does not grow is refused and named, and burns no attempt of the others', async () => {
  await open()
  const counter = counting(0)
  await federation.reach('contributing')
  for (let i = 0; i < 2; i++)
    expect((await federation.site('date').turn()).error).toMatchObject({ code: 'COUNTER_REFUSED' })
  // Above 0 it serves once.
  counter.be(1)
  await federation.complete()
  expect(counts()).toEqual([all, withoutDate, withoutDate])
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 2] })
  const said = federation.coordinator.logged.filter(({ msg }) => msg === 'a site went back to an earlier counter')
  expect(said.map(({ site, step }) => [site, step])).toEqual([
    ['date', 0],
    ['date', 1],
    ['date', 2],
  ])
})

it('R4 what was announced is remembered by a coordinator started again', async () => {
  await open()
  counting(1)
  await federation.reach('contributing', 1)
  expect(counts()).toEqual([all])
  await federation.restartCoordinator()
  counting(1)
  expect((await federation.site('date').turn()).error).toMatchObject({
    code: 'COUNTER_REFUSED',
    message: 'the counter of date is 1, and was 1 before',
  })
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 2] })
  expect(counts()).toEqual([all, withoutDate, withoutDate])
  await checkInvariants(federation)
})
