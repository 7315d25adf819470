import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sendTime } from './send-time.ts'

it('R10: work of any length within a period leaves at the same time', () => {
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (arrived, every, share) => {
        expect(sendTime(arrived, arrived + Math.floor(share * every), every)).toBe(arrived + every)
      },
    ),
  )
})

it('R10: longer work leaves at the next multiple, never before it is done', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 1e3 }), fc.nat(1e6), (arrived, every, work) => {
      const at = sendTime(arrived, arrived + work, every)
      expect(at).toBeGreaterThanOrEqual(arrived + work)
      expect(at - arrived - work).toBeLessThanOrEqual(every)
      expect((at - arrived) % every).toBe(0)
    }),
  )
})
