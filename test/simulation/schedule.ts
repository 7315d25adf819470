import fc from 'fast-check'
import type { InProcessFederation, LinkFault } from '../harness/in-process-federation.ts'

/** One thing that happens; sites by their place. */
export type Operation =
  | { readonly type: 'turn'; readonly sites: readonly number[] }
  | { readonly type: 'kill site'; readonly site: number; readonly crossing: number | null }
  | { readonly type: 'kill coordinator'; readonly crossing: number | null }
  | { readonly type: 'fault'; readonly site: number; readonly fault: LinkFault }
  | { readonly type: 'advance'; readonly ms: number }

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
)

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
      await Promise.all(places.map((place) => siteAt(place).turn()))
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
  }
}
