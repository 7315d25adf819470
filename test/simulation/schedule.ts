import fc from 'fast-check'
import { vi } from 'vitest'
import { newBoxKeys } from '../../shared/he/box.ts'
import { SealingWork } from '../../site-agent/update/sealing-work.ts'
import type { InProcessFederation, LinkFault } from '../harness/in-process-federation.ts'

/** One thing that happens; sites by their place. */
export type Operation =
  | { readonly type: 'turn'; readonly sites: readonly number[] }
  | { readonly type: 'kill site'; readonly site: number; readonly crossing: number | null }
  | { readonly type: 'kill coordinator'; readonly crossing: number | null }
  | { readonly type: 'fault'; readonly site: number; readonly fault: LinkFault }
  | { readonly type: 'advance'; readonly ms: number }
  /** The site's next deal has a box that its holder cannot open: it is disputed (R24). */
  | { readonly type: 'spoil'; readonly site: number; readonly holder: number }
  /** By the officer at the site: at once, or in the middle of what its agent does next. */
  | { readonly type: 'decide'; readonly site: number; readonly decision: Decision; readonly crossing: number | null }
  /** By the operator: no work and no call is taken from the site any more. */
  | { readonly type: 'expel'; readonly site: number }
  /** A new roster without the site. */
  | { readonly type: 'remove'; readonly site: number }

export type Decision = 'paused' | 'resumed' | 'revoked'

export interface Schedule {
  readonly sites: number
  readonly isAllNeeded: boolean
  readonly operations: readonly Operation[]
}

const site = fc.nat({ max: 5 })
/** null: now; else a few crossings ahead. */
const crossing = fc.option(fc.nat({ max: 12 }), { freq: 4 })

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({ type: fc.constant('turn' as const), sites: fc.array(site, { minLength: 1, maxLength: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('kill site' as const), site, crossing }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('kill coordinator' as const), crossing }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('fault' as const),
      site,
      fault: fc.constantFrom<LinkFault>('request lost', 'response lost', 'sent twice'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.constantFrom(2_000, 61_000, 601_000) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('spoil' as const), site, holder: site }) },
)

/** By dealer: the holder whose box of the next deal is sealed to a key of nobody. */
const spoilt = new Map<string, string>()

/** Deals go wrong from now on where a schedule says so; undone by `vi.restoreAllMocks`. */
export const plantSpoiltDeals = (): void => {
  spoilt.clear()
  const { deal } = SealingWork.prototype
  vi.spyOn(SealingWork.prototype, 'deal').mockImplementation(function (this: SealingWork, order) {
    const { from } = order.context
    const victim = spoilt.get(from)
    spoilt.delete(from)
    const holders = order.holders.map((holder) =>
      holder.site === victim ? { ...holder, key: newBoxKeys().publicKey } : holder,
    )
    return deal.call(this, { ...order, holders })
  })
}

/** Few of those that are for ever: a run without enough sites shows nothing more. */
const decision: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('decide' as const),
      site,
      decision: fc.constantFrom<Decision>('paused', 'resumed', 'resumed'),
      crossing,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('decide' as const),
      site,
      decision: fc.constant<Decision>('revoked'),
      crossing,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('expel' as const), site }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), site }) },
)

/** With what officers and the operator decide in between. */
export const decidedSchedule: fc.Arbitrary<Schedule> = fc.record({
  // Of eight two may be absent (R7).
  sites: fc.constantFrom(4, 5, 6, 8, 8),
  isAllNeeded: fc.constant(false),
  operations: fc.array(fc.oneof({ weight: 9, arbitrary: operation }, { weight: 2, arbitrary: decision }), {
    minLength: 10,
    maxLength: 60,
    size: 'max',
  }),
})

export const schedule: fc.Arbitrary<Schedule> = fc.record({
  sites: fc.integer({ min: 3, max: 6 }),
  isAllNeeded: fc.boolean(),
  operations: fc.array(operation, { minLength: 5, maxLength: 60, size: 'max' }),
})

/** Sites named in one turn act at the same time, each once for every time it is named. */
export const perform = async (federation: InProcessFederation, operation: Operation): Promise<void> => {
  const { sites, coordinator } = federation
  const siteAt = (place: number) => sites[place % sites.length]!
  switch (operation.type) {
    case 'turn': {
      const places = [...new Set(operation.sites.map((place) => place % sites.length))]
      const here = places.map(siteAt).filter(({ name }) => !coordinator.revoked.has(name))
      await Promise.all(here.map((each) => (each.isApproved ? each.turn() : each.leave())))
      // Decided while it was at work: the agent sees it when it comes back to its loop.
      await Promise.all(here.filter((each) => !each.isApproved).map((each) => each.leave()))
      return await federation.quiet()
    }
    case 'kill site': {
      const { gate } = siteAt(operation.site)
      if (operation.crossing === null) siteAt(operation.site).restart()
      else gate.killAt(operation.crossing)
      return
    }
    case 'kill coordinator':
      if (operation.crossing === null) return await federation.restartCoordinator()
      coordinator.gate.killAt(operation.crossing)
      return
    case 'fault':
      federation.faults.set(siteAt(operation.site).name, operation.fault)
      return
    case 'advance':
      return await federation.advance(operation.ms)
    case 'spoil':
      spoilt.set(siteAt(operation.site).name, siteAt(operation.holder).name)
      return
    case 'decide': {
      const { crossing, decision } = operation
      const at = siteAt(operation.site)
      if (crossing === null) return at.decide(decision)
      let left = crossing
      at.gate.killWhere((place) => {
        // Between the look at the approval and the call there is no moment in the product.
        if (!place.startsWith('before client.') && left-- === 0) at.decide(decision)
        return false
      })
      return
    }
    case 'expel':
      coordinator.revoked.add(siteAt(operation.site).name)
      return await federation.tick()
    case 'remove': {
      const { roster } = federation
      const { name } = siteAt(operation.site)
      const latest = coordinator.studies.latestRoster()?.roster ?? roster
      const members = latest.members.filter(({ site }) => site !== name)
      if (members.length === latest.members.length) return
      coordinator.studies.addRoster({ ...roster, version: latest.version + 1, members })
      return await federation.tick()
    }
  }
}
