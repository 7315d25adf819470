import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { createRing } from '../../shared/he/create-ring.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { playLosses } from './light-federation.ts'
import { lossCase } from './loss-case.ts'
import { LossTally } from './loss-tally.ts'

const seed = Number(process.env.LOSSES_SEED ?? randomInt(2 ** 31))
const cases = Math.ceil(20 * Number(process.env.LOSSES_SHARE ?? 1))

/* As losses.test.ts, on the ring of the product; beyond 20 sites a committee of 16 holds the shares (R7). */
let ring: Ring
beforeAll(async () => {
  ring = await createRing()
})

it.each([
  [20, 20],
  [50, 16],
])(
  `losses of %i sites, %i of them share holders, ${cases} cases on the secure ring (LOSSES_SEED=${seed})`,
  async (sites, holders) => {
    const tally = new LossTally()
    await fc.assert(
      fc.asyncProperty(lossCase(sites, { holders, attempts: 2, colluders: 5, mostLost: 12 }), async (each) =>
        tally.add(await playLosses(ring, each)),
      ),
      { seed, numRuns: cases, endOnFailure: true },
    )
    process.stdout.write(`${JSON.stringify({ sites, holders, seed, tally })}\n`)
    expect(tally.cases).toBe(cases)
    if (cases === 20) {
      expect(tally.openedWithoutSome).toBeGreaterThan(0)
      expect(tally.opened).toBeLessThan(tally.attempts)
    }
  },
)
