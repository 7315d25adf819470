import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { expect, it } from 'vitest'
import { retrying } from './retrying.ts'

const timeline = () => {
  const pauses: number[] = []
  let now = 0
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      pauses.push(ms)
      now += ms
    },
  }
  return { clock, pauses }
}

const unreachable = async () => {
  throw new CodedError('UNAVAILABLE', 'gone')
}

it('pauses grow to ten seconds, each with jitter, and end with the patience', async () => {
  const { clock, pauses } = timeline()
  await expect(retrying(unreachable, { clock, patienceMs: 120_000 })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  pauses.forEach((pause, i) => {
    const full = Math.min(200 * 2 ** i, 10_000)
    expect(pause).toBeGreaterThan(full / 2)
    expect(pause).toBeLessThanOrEqual(full)
  })
  expect(clock.now()).toBeLessThanOrEqual(120_000)
  expect(clock.now()).toBeGreaterThan(105_000)
  const other = timeline()
  await retrying(unreachable, { clock: other.clock, patienceMs: 120_000 }).catch(() => {})
  expect(other.pauses).not.toEqual(pauses)
})

it('only what cannot be reached is tried again', async () => {
  const { clock, pauses } = timeline()
  let calls = 0
  const answers = async () => {
    calls += 1
    if (calls < 3) throw new CodedError('UNAVAILABLE', 'gone')
    throw new CodedError('ROUND_REFUSED', 'no')
  }
  await expect(retrying(answers, { clock, patienceMs: 60_000 })).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  expect([calls, pauses.length]).toEqual([3, 2])
})

it('an abort ends the trying', async () => {
  const { clock, pauses } = timeline()
  const signal = AbortSignal.abort()
  await expect(retrying(unreachable, { clock, patienceMs: 60_000, signal })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
  expect(pauses).toEqual([])
})

it('an attempt that gets further has the patience and the short pauses anew', async () => {
  const { clock, pauses } = timeline()
  let calls = 0
  const advances = async (renew: () => void) => {
    calls += 1
    // Ten tries come to nothing, the eleventh gets further, and then nothing again.
    if (calls === 11) renew()
    throw new CodedError('UNAVAILABLE', 'gone')
  }
  await expect(retrying(advances, { clock, patienceMs: 120_000 })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  const before = pauses.slice(0, 10).reduce((sum, pause) => sum + pause, 0)
  expect(clock.now()).toBeGreaterThan(before + 105_000)
  expect(clock.now()).toBeLessThanOrEqual(before + 120_000)
  expect(pauses[10]).toBeLessThanOrEqual(200)
})
