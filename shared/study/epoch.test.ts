import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { epochOf, firstEpochNeeded, stepsPerEpoch } from './epoch.ts'

const lastStepOf = (epoch: number): number => (epoch + 1) * stepsPerEpoch - 1
const steps = fc.integer({ min: 0, max: 10_000 })

property.prop([steps])(
  'epochs: every step lies in one, up to the last step of it and after the last of the one before',
  (step) => {
    const epoch = epochOf(step)
    expect(step).toBeLessThanOrEqual(lastStepOf(epoch))
    expect(step).toBeGreaterThan(epoch === 0 ? -1 : lastStepOf(epoch - 1))
  },
)

property.prop([steps])('epochs: one is over exactly once its last step is earlier than the step before', (step) => {
  const first = firstEpochNeeded(step)
  for (let epoch = 0; epoch <= epochOf(step) + 1; epoch++) expect(epoch < first).toBe(lastStepOf(epoch) < step - 1)
})

test('epochs: a step that is none is refused', () => {
  for (const step of [-1, 0.5, Number.NaN])
    expect(() => epochOf(step)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
})
