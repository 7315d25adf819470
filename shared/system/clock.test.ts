import { expect, it } from 'vitest'
import { systemClock } from './clock.ts'

it('system clock: tells the time in milliseconds since 1970', () => {
  expect(Math.abs(systemClock.now() - new Date().getTime())).toBeLessThan(1000)
})

it('system clock: sleeps at least as long as asked', async () => {
  const before = performance.now()
  await systemClock.sleep(20)
  expect(performance.now() - before).toBeGreaterThan(18)
})

it('system clock: an abort wakes the sleeper at once, before or during', async () => {
  const before = performance.now()
  const controller = new AbortController()
  const sleeping = systemClock.sleep(60_000, controller.signal)
  controller.abort()
  await sleeping
  await systemClock.sleep(60_000, controller.signal)
  expect(performance.now() - before).toBeLessThan(5_000)
})
