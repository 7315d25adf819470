import { fc, test as property } from '@fast-check/vitest'
import { siteId } from '@tributary/shared/ids'
import { describe, expect, it } from 'vitest'
import { refuseTooFewPeers } from './received-deals.ts'

const names = (count: number) => Array.from({ length: count }, (_, i) => siteId(`site-${String(i).padStart(2, '0')}`))
type Approved = Parameters<typeof refuseTooFewPeers>[1]
type Deals = Parameters<typeof refuseTooFewPeers>[0]

/** Whether deals of these sites are enough for `me`, where the first `holders` sites hold the shares. */
const isEnough = (holders: number, colluders: number, me: number, dealers: readonly string[]): boolean => {
  const approved = {
    holders: names(holders),
    me: names(50)[me],
    manifest: { federation: { colluders } },
  } as unknown as Approved
  const deals = { deals: dealers.map((dealer) => ({ opened: { dealer }, share: null })) } as unknown as Deals
  try {
    refuseTooFewPeers(deals, approved)
    return true
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'ROUND_REFUSED' })
    return false
  }
}

describe('R4 peers whose deals a site must have read', () => {
  it('R4 deals of sites that hold no shares do not count, whoever dealt', () => {
    const [holders, others] = [names(16), names(50).slice(16)]
    expect(isEnough(16, 2, 40, others)).toBe(false)
    expect(isEnough(16, 2, 40, [...others, ...holders.slice(0, 8)])).toBe(false)
    expect(isEnough(16, 2, 40, holders.slice(0, 9))).toBe(true)
  })

  property.prop([fc.integer({ min: 3, max: 20 }), fc.nat(18), fc.nat(20)])(
    'R4 half of the holders and colluders, its own deal not among them; all others where there are not as many',
    (holders, colluders, read) => {
      const dealers = names(holders).slice(0, read + 1)
      const wanted = Math.min(Math.ceil((holders + colluders) / 2), holders - 1)
      expect(isEnough(holders, colluders, 0, dealers)).toBe(dealers.length - 1 >= wanted)
    },
  )

  property.prop([fc.integer({ min: 3, max: 20 }), fc.nat(18), fc.nat(5)])(
    'R4 a study that may lose as many sites as one set allows goes on where it loses them',
    (sites, colluders, lost) => {
      fc.pre(lost === 0 || 4 * lost <= sites - colluders)
      fc.pre(Math.floor((sites + colluders) / 2) + 1 <= sites)
      expect(isEnough(sites, colluders, 0, names(sites - lost))).toBe(true)
    },
  )
})
