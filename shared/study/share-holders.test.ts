import { describe, expect, it } from 'vitest'
import { siteId } from '../ids.ts'
import { threshold } from '../he/thresholds.ts'
import { federationOf, holderCount } from './federation.ts'
import { shareHolders } from './share-holders.ts'

const names = (count: number) => Array.from({ length: count }, (_, i) => siteId(`site-${i}`))
const study = (count: number, given: Parameters<typeof federationOf>[0]['federation'] = {}) => {
  const sites = names(count).map((name) => ({ name, promised_patients: 100, promised_rows: 100 }))
  return { sites, federation: federationOf({ sites, federation: given }) }
}
const refused = (call: () => unknown) => expect(call).toThrow(expect.objectContaining({ code: 'ROSTER_REFUSED' }))

describe('who holds shares', () => {
  it('R7 up to 20 sites everyone does, in the order of the study, whatever committee the roster has', () => {
    for (const count of [2, 5, 20]) {
      expect(shareHolders(study(count), { committee: [] })).toEqual(names(count))
      expect(shareHolders(study(count), { committee: names(count).slice(0, 12) })).toEqual(names(count))
      expect(holderCount(study(count))).toBe(count)
    }
  })

  it('R7 beyond, the committee does, in the order of the roster, and the threshold counts it with the full c', () => {
    for (const [count, m, c] of [
      [21, 12, 0],
      [30, 16, 4],
      [64, 13, 2],
    ] as const) {
      const many = study(count, { committee: m, colluders: c })
      const committee = names(count).slice(-m).reverse()
      expect(shareHolders(many, { committee })).toEqual(committee)
      expect(holderCount(many)).toBe(m)
      expect(threshold(holderCount(many), c)).toBe(Math.floor((m + c) / 2) + 1)
    }
  })

  it('R7 a committee of another size than was approved, or with a site that is not in the study, is refused', () => {
    refused(() => shareHolders(study(21, { committee: 12 }), { committee: names(21).slice(0, 13) }))
    refused(() => shareHolders(study(21, { committee: 12 }), { committee: [] }))
    refused(() => shareHolders(study(21, { committee: 12 }), { committee: names(24).slice(12) }))
  })
})
